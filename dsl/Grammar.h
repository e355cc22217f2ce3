// A source comes in; its tree goes out, or messages of the codes E01.
#pragma once

#include "dsl/Ast.h"
#include "dsl/Diagnostics.h"

#include <memory>

namespace kac {

/// Null if the text does not parse; then at least one message was given.
std::unique_ptr<Ast> parseText(std::shared_ptr<const Source> source, Diagnostics &diagnostics);

} // namespace kac
