# The packages of the machine in, their targets out; for each that is missing or too old one error with its remedy.

function(kac_missing what wanted packages)
  message(FATAL_ERROR "Kac needs ${what} ${wanted}, which is not here. "
    "On Debian 12: apt-get install ${packages} (or `make setup`, which installs all that is missing).")
endfunction()

# kac_find(PACKAGE what wanted packages arguments...): find_package, with our error in place of CMake's.
macro(kac_find package what wanted packages)
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    kac_missing("${what}" "${wanted}" "${packages}")
  endif()
endmacro()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  kac_missing("g++" "12 or later" "g++")
endif()

kac_find(Python3 "Python" "3.9 or later" "python3" 3.9 COMPONENTS Interpreter)
kac_find(Boost "Boost (headers)" "1.74 or later" "libboost1.81-dev" 1.74)
kac_find(Threads "POSIX threads" "" "libc6-dev")
if(KAC_TESTS)
  kac_find(GTest "GoogleTest" "1.12 or later" "libgtest-dev" 1.12)
  kac_find(Eigen3 "Eigen" "3.4 or later" "libeigen3-dev" 3.4 NO_MODULE)
endif()
kac_find(nlohmann_json "nlohmann-json" "3.9 or later" "nlohmann-json3-dev" 3.9)
kac_find(CLI11 "CLI11" "2.1 or later" "libcli11-dev" 2.1)

if(KAC_COMPILER)
  set(llvmPrefix /usr/lib/llvm-22)
  kac_find(MLIR "MLIR" "22" "libmlir-22-dev mlir-22-tools llvm-22-dev" CONFIG
    HINTS "${llvmPrefix}/lib/cmake/mlir")
  if(NOT LLVM_VERSION_MAJOR EQUAL 22)
    kac_missing("MLIR" "22 (found ${LLVM_VERSION_MAJOR})" "libmlir-22-dev mlir-22-tools llvm-22-dev")
  endif()
  kac_find(LLD "the libraries of lld" "22" "liblld-22-dev" CONFIG HINTS "${llvmPrefix}/lib/cmake/lld")
  foreach(tool lit FileCheck not)
    string(TOUPPER "KAC_${tool}" variable)
    find_program(${variable} ${tool} HINTS "${LLVM_TOOLS_BINARY_DIR}" NO_DEFAULT_PATH)
    if(NOT ${variable})
      kac_missing("${tool}" "of LLVM 22" "llvm-22-tools")
    endif()
  endforeach()

  list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
  include(TableGen)
  include(AddLLVM)
  include(AddMLIR)
endif()

# lld of LLVM 22 links our programs ten times faster; g++ looks for `ld.lld` in the folders that -B names.
find_program(KAC_LLD ld.lld HINTS /usr/lib/llvm-22/bin NO_DEFAULT_PATH)
if(KAC_LLD)
  get_filename_component(lldFolder "${KAC_LLD}" DIRECTORY)
  add_link_options(-fuse-ld=lld "-B${lldFolder}")
endif()

find_program(KAC_CCACHE ccache)
if(KAC_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${KAC_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${KAC_CCACHE}")
endif()
