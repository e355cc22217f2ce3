// A parsed file comes in; its text laid out as `kacc fmt` prints it goes out.
#pragma once

#include "dsl/Ast.h"

#include <string>

namespace kac {

/// The writer's order, line breaks and alignment are kept where they fit; blanks, indents and overlong lines are put
/// right. Every comment survives. The result has the same tree, and its own layout is itself.
std::string formatAst(const Ast &ast);

} // namespace kac
