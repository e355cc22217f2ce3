// What is said when a stage breaks: its name, and where its input was saved; also for crashes.
#pragma once

#include <string>
#include <string_view>

namespace kac {

/// Words with which this program was started, the command line that made it; needed once, at the start of main.
void rememberCommand(int argc, char **argv);

/// From here on a crash is said to be that of `verb`, whose input can be had by --emit=`from` of `program`.
void enterStage(std::string_view verb, std::string_view from, std::string_view program);

/// Saves the input of the present stage by running ourselves up to it, and says so on standard error.
void reportDefect(std::string_view what);

} // namespace kac
