// The kinds of a program, and its lists of names, come in; what is named twice, and equations and types that name
// nothing, are reported.
#include "dsl/Elaborate.h"

#include <algorithm>

namespace kac::checking {

/// Sizes, parameters and the names that take a tuple apart are different names; and a field is said to be there once:
/// what follows gives further definitions.
void Elaborator::checkNamedOnce(const Node *node) {
  std::map<std::string, Span> before;
  auto names = [&](const Node *item, const std::string &text) {
    auto [first, fresh] = before.emplace(item->text, item->span);
    if (fresh)
      return;
    reportFailure({"E0203", item->span, "`" + item->text + "` " + text, {{first->second, "the first"}}, ""});
    incomplete = true;
  };
  std::function<void(const Node *)> visit = [&](const Node *list) {
    for (const Node *item : list->children)
      if (list->kind == NodeKind::Fields) {
        if (item->kind == NodeKind::Field && (!item->child(2)->present() || !before.count(item->text)))
          names(item, "is a field of these braces already, and here is no definition of it");
      } else if (item->kind == NodeKind::FormalList || (item->kind == NodeKind::Formal && item->text.empty())) {
        visit(item->kind == NodeKind::Formal ? item->child(0) : item);
      } else {
        names(item, "is named twice here");
      }
  };
  if (node->kind == NodeKind::Sizes || node->kind == NodeKind::Names || node->kind == NodeKind::Formals ||
      node->kind == NodeKind::Fields)
    visit(node);
  for (const Node *child : node->children)
    checkNamedOnce(child);
}

/// A kind of the program: its types are there, and its equations hold of a structure that has all of its fields.
void Elaborator::checkKind(const Node *node) {
  if (node->kind == NodeKind::KindAlias) {
    if (!findKind(node->child(0)->text, programScope))
      fail("E0201", node->child(0)->span, "there is no kind `" + node->child(0)->text + "`");
    return;
  }
  Node bare{NodeKind::TypeName, node->span, node->text, "", {}, ""};
  if (bare.text == "tangent" || !isStructureType(&bare, programScope))
    fail("E0203", node->span, "`" + node->text + "` is a type already");
  ScopePtr scope = inner(programScope);
  std::vector<const Node *> types;
  for (const Node *field : node->child(1)->children) {
    if (field->kind != NodeKind::Field)
      continue;
    if (field->child(1)->present())
      types.push_back(field->child(1));
    for (const Node *group : field->child(0)->children)
      for (const Node *formal : group->children)
        if (formal->child(1)->present())
          types.push_back(formal->child(1));
  }
  standInFor(node->child(0), types, {}, scope);
  std::vector<const Node *> names;
  for (const Node *type : types)
    typeNames(type, scope, names);
  for (const Node *name : names) {
    if (name->text == "tangent" || isStructureType(name, scope))
      continue;
    Node bare = *name; // without its sizes: what means nothing else is one of the call
    bare.children.clear();
    try {
      resolveType(&bare, scope);
    } catch (CheckFailure &failure) {
      if (failure.code == "E0201")
        throw;
    }
  }
  std::vector<CheckFailure> failures;
  attempt([&] { checkFields(standInStructure(node, scope->bindings, 0), 0, Open::Types, failures); }, Open::Types,
          failures);
  for (const CheckFailure &failure : failures)
    reportFailure(failure);
}

/// A sampler with parameters.
bool Elaborator::isTemplate(const Node *node) {
  if (node->kind != NodeKind::Structure || !node->child(2)->present())
    return false;
  const Node *kind = findKind(node->child(0)->text, programScope);
  return kind && kind->text == kinds::sampler;
}

/// A sampler all of whose parameters are values with defaults: a run sets them as it does the params of the program, by
/// names that no other input has.
bool Elaborator::isSettable(const Node *node) {
  if (!isTemplate(node) || node->child(1)->present())
    return false;
  std::vector<FormalInfo> formals = formalsOf(node->child(2), programScope);
  return std::all_of(formals.begin(), formals.end(), [&](const FormalInfo &formal) {
    auto isTaken = [&](const Input &input) { return input.name == formal.name; };
    return formal.type && formal.fallback && formal.type->kind == NodeKind::TypeName &&
           !isStructureType(formal.type, programScope) &&
           std::none_of(model.inputs.begin(), model.inputs.end(), isTaken);
  });
}

StructurePtr Elaborator::withSettings(const Node *node) {
  std::vector<Argument> arguments;
  for (const FormalInfo &formal : formalsOf(node->child(2), programScope))
    arguments.push_back(
        {formal.name, formal.span, settable(formal.name, formal.type, formal.fallback, formal.span, programScope)});
  const Value sampler = declared(node, programScope);
  return detached([&] { return instantiateTemplate(*sampler.closure, std::move(arguments), node->span); }, node->text)
      .structure;
}

/// Another sampler with parameters is none to run before it is given them.
void Elaborator::warnOfTemplate(const Node *node) {
  const std::string name = programScope->declarations.count("s") ? "my_" + node->text : "s";
  std::string call = "`" + node->child(0)->text;
  call.append(" ").append(name).append(" = ").append(node->text).append("(");
  std::string separator;
  for (const FormalInfo &formal : formalsOf(node->child(2), programScope)) {
    const Span value = formal.fallback ? formal.fallback->span : Span{};
    call.append(separator).append(formal.name).append(" = ");
    call += value.source ? value.source->text().substr(value.begin, value.end - value.begin) : "...";
    separator = ", ";
  }
  Diagnostic &warning = diagnostics.report(
      "W0202", node->span, "`" + node->text + "` has parameters, and no sampler is declared that gives them");
  warning.help = call + ")` is one";
}

} // namespace kac::checking
