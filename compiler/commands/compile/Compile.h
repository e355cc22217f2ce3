// What the commands that compile share: a command line in, a driver walked, its messages shown and its times told.
#pragma once

#include "compiler/Driver.h"
#include "compiler/commands/CommandLine.h"

namespace kac {

DriverOptions driverOptionsOf(const CommandLine &line);

/// Walks, shows the messages, prints the times where asked; the exit status.
int walkTo(Driver &driver, std::string_view product, const CommandLine &line);

/// The same where more is to follow: what there is to show is left for the end, unless this is the end.
int walkOnTo(Driver &driver, std::string_view product, const CommandLine &line);
/// The same up to the stage before the one that leaves `product`.
int walkBefore(Driver &driver, std::string_view product, const CommandLine &line);

} // namespace kac
