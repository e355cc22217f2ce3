// A tree comes in; what it contains, and its print for `--emit=ast`, go out.
#include "dsl/Ast.h"

#include <algorithm>
#include <array>

namespace kac {

namespace {

constexpr std::array names = {
    "None",       "Program",   "Import",    "Alphabet",  "Const",         "Data",
    "Param",      "Weights",   "Fn",        "Network",   "Kind",          "KindAlias",
    "Test",       "Require",   "Structure", "Sizes",     "Size",          "Formals",
    "FormalList", "Formal",    "Names",     "Fields",    "Field",         "TypeFn",
    "TypeTuple",  "Component", "TypeName",  "TypeArray", "ExtentRest",    "Block",
    "Weigh",      "For",       "Draw",      "Assign",    "AssignElement", "AssignTuple",
    "With",       "Chain",     "Operator",  "Unary",     "Power",         "Postfix",
    "Call",       "Index",     "Member",    "Argument",  "Slice",         "Range",
    "Generators", "Generator", "Filter",    "Tuple",     "Array",         "ArrayComprehension",
    "If",         "Int",       "Real",      "String",    "True",          "False",
    "Name"};
static_assert(names.size() == static_cast<size_t>(NodeKind::Name) + 1, "a name for each kind, in their order");

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c == '\n' ? "\\n" : std::string(1, c);
  }
  return result + "\"";
}

void print(const Node &node, size_t indent, std::string &out) {
  out.append(indent, ' ');
  out += names[static_cast<size_t>(node.kind)];
  if (!node.text.empty() || node.kind == NodeKind::String)
    out += " " + quoted(node.text);
  if (!node.op.empty())
    out += " op " + quoted(node.op);
  out += '\n';
  for (const Node *child : node.children)
    print(*child, indent + 2, out);
}

} // namespace

bool Node::contains(NodeKind wanted) const {
  return kind == wanted ||
         std::any_of(children.begin(), children.end(), [&](const Node *child) { return child->contains(wanted); });
}

std::string printAst(const Ast &ast) {
  std::string out;
  print(*ast.program, 0, out);
  return out;
}

} // namespace kac
