#!/bin/sh
# What the machine has in, the Debian packages that the build needs out: installs the missing ones, and says which.
set -u

packages="git g++ gcc cmake make python3 ninja-build ccache binutils
llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools liblld-22-dev lld-22
libzstd-dev zlib1g-dev libxml2-dev libedit-dev libcurl4-openssl-dev
libboost1.81-dev libeigen3-dev libgtest-dev libcli11-dev nlohmann-json3-dev
clang-format clang-tidy"

if ! command -v dpkg-query >/dev/null; then
  echo "setup: no dpkg here, so nothing is installed; cmake says what is missing" >&2
  exit 0
fi

# One question for all: a package of several architectures gives a line each, one that was never here none.
installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $packages 2>/dev/null | sed -n 's/^installed //p')
missing=""
for package in $packages; do
  case "
$installed
" in
  *"
$package
"*) ;;
  *) missing="$missing $package" ;;
  esac
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then
  root=""
elif command -v sudo >/dev/null; then
  root="sudo"
else
  echo "setup: missing:$missing" >&2
  echo "setup: installing them needs root, and there is no sudo; as root, run:" >&2
  echo "  apt-get update && apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

echo "setup: installing$missing" >&2
# The lists are refreshed at need only: an image may come without any, an old machine with stale ones.
install() { $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; }
if ! apt-cache show $missing >/dev/null 2>&1 || ! install; then
  if ! { $root apt-get update -q && install; }; then
    echo "setup: could not install$missing" >&2
    echo "setup: they are in Debian 12, LLVM 22 in its security suite; does this machine use both suites, and may you use ${root:-apt-get}?" >&2
    exit 1
  fi
fi
