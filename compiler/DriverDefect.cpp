// A stage that broke in, a message and its saved input out. The input is made anew by running this program up to the
// stage before: stages are deterministic, and nothing need be kept in memory, or saved at each step, for what never
// happens.
#include "compiler/DriverDefect.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

namespace kac {
namespace {

// All that a signal handler may touch is laid out before: no allocation, no locks.
struct Defect {
  char self[4096] = "/proc/self/exe";
  char stage[32] = "start";
  char emit[48] = "";
  char program[4096] = "";
  char saved[4096] = "";
  std::vector<char *> words;
};

Defect &state() {
  static Defect defect;
  return defect;
}

template <size_t size> void copy(char (&to)[size], std::string_view from) {
  size_t length = from.size() < size ? from.size() : size - 1;
  std::memcpy(to, from.data(), length);
  to[length] = '\0';
}

void say(const char *text) {
  size_t length = std::strlen(text);
  while (length > 0) {
    ssize_t written = write(STDERR_FILENO, text, length);
    if (written <= 0)
      return;
    text += written;
    length -= static_cast<size_t>(written);
  }
}

/// The file that holds the stage's input: the program itself for the first stages.
const char *saveInput() {
  Defect &defect = state();
  if (!*defect.emit)
    return defect.program;
  int file = mkstemps(defect.saved, 5);
  if (file < 0)
    return defect.program;
  pid_t child = fork();
  if (child == 0) {
    dup2(file, STDOUT_FILENO);
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    execv(defect.self, defect.words.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  close(file);
  return status == 0 ? defect.saved : defect.program;
}

void tell(const char *what) {
  say("kacc: a defect of kacc itself, in stage ");
  say(state().stage);
  say(": ");
  say(what);
  say("\n  the input of the stage is in ");
  say(saveInput());
  say("\n");
}

#ifndef __SANITIZE_ADDRESS__ // which has a handler of its own
void onCrash(int signal) {
  struct sigaction usual = {};
  usual.sa_handler = SIG_DFL;
  sigaction(signal, &usual, nullptr);
  tell(signal == SIGABRT ? "it gave up" : "it crashed");
  _exit(4);
}
#endif

} // namespace

void rememberCommand(int argc, char **argv) {
  Defect &defect = state();
  ssize_t length = readlink("/proc/self/exe", defect.self, sizeof defect.self - 1);
  if (length > 0)
    defect.self[length] = '\0';
  defect.words = {defect.self, defect.emit};
  // Of the options only those that change what a stage sees.
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word == "--f64")
      defect.words.push_back(argv[i]);
    for (const char *option : {"--cpu", "--prelude", "--sampler"})
      if (word == option && i + 1 < argc) {
        defect.words.push_back(argv[i]);
        defect.words.push_back(argv[i + 1]);
      } else if (word.substr(0, std::strlen(option) + 1) == std::string(option) + "=")
        defect.words.push_back(argv[i]);
  }
  defect.words.push_back(defect.program);
  defect.words.push_back(nullptr);
#ifndef __SANITIZE_ADDRESS__
  static char stack[1 << 16]; // a crash may be that of a full stack
  stack_t own = {};
  own.ss_sp = stack;
  own.ss_size = sizeof stack;
  sigaltstack(&own, nullptr);
  struct sigaction action = {};
  action.sa_handler = onCrash;
  action.sa_flags = SA_ONSTACK;
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    sigaction(signal, &action, nullptr);
#endif
}

void enterStage(std::string_view verb, std::string_view from, std::string_view program) {
  Defect &defect = state();
  copy(defect.stage, verb);
  copy(defect.program, program);
  std::error_code failure;
  copy(defect.saved, (std::filesystem::temp_directory_path(failure) / "kacc-XXXXXX.text").string());
  bool printable = from != "text" && from != "ast" && !from.empty();
  copy(defect.emit, printable ? "--emit=" + std::string(from) : "");
}

void reportDefect(std::string_view what) { tell(std::string(what).c_str()); }

} // namespace kac
