// Walks the tests of a file; what is a value of a kind is read off the declarations, none of which is known by name.
#include "compiler/commands/compile/Instances.h"
#include "dsl/Kinds.h"

#include <algorithm>

namespace kac {
namespace {

bool binds(NodeKind kind) {
  return kind == NodeKind::Generator || kind == NodeKind::For || kind == NodeKind::Draw || kind == NodeKind::Assign ||
         kind == NodeKind::Formal;
}

/// Visits a tree, parents first.
template <typename F> void walk(const Node &node, const F &f) {
  f(node);
  for (const Node *child : node.children)
    walk(*child, f);
}

bool within(const Span &inner, uint32_t begin, uint32_t end) { return begin <= inner.begin && inner.end <= end; }

} // namespace

InstanceFinder::InstanceFinder(const std::vector<const Ast *> &files) {
  for (const Ast *file : files)
    for (const Node *node : file->program->children)
      if (!node->text.empty())
        declarations.emplace(node->text, node);
}

const Node *InstanceFinder::declared(const std::string &name, NodeKind kind) const {
  auto found = declarations.find(name);
  return found != declarations.end() && found->second->kind == kind ? found->second : nullptr;
}

/// The kind that is called so, or by another name of it.
std::string InstanceFinder::kindOf(const std::string &name) const {
  if (const Node *alias = declared(name, NodeKind::KindAlias))
    return kindOf(alias->child(0)->text);
  return declared(name, NodeKind::Kind) ? name : "";
}

std::string InstanceFinder::kindOfField(const std::string &kind, const std::string &field) const {
  const Node *node = declared(kind, NodeKind::Kind);
  if (!node)
    return "";
  for (const Node *candidate : node->child(1)->children)
    if (candidate->kind == NodeKind::Field && candidate->text == field && candidate->child(1)->present())
      return candidate->child(1)->kind == NodeKind::TypeName ? kindOf(candidate->child(1)->text) : "";
  return "";
}

/// The kind of what the first `end` parts of a postfix expression give.
std::string InstanceFinder::kindAfter(const Node &postfix, size_t end) const {
  const Node &first = *postfix.child(0);
  const Node *structure = first.kind == NodeKind::Name ? declared(first.text, NodeKind::Structure) : nullptr;
  size_t i = 1;
  std::string kind;
  if (!structure || !structure->child(2)->present())
    kind = kindOf(first);
  else if (end > i && postfix.child(i++)->kind == NodeKind::Call)
    kind = kindOf(structure->child(0)->text);
  for (; i < end && !kind.empty(); ++i) {
    if (postfix.child(i)->kind != NodeKind::Member)
      return "";
    kind = kindOfField(kind, postfix.child(i)->text);
    if (i + 1 < end && postfix.child(i + 1)->kind == NodeKind::Call)
      ++i;
  }
  return kind;
}

std::string InstanceFinder::kindOf(const Node &node) const {
  if (node.kind == NodeKind::With)
    return kindOf(*node.child(0));
  if (node.kind == NodeKind::Postfix)
    return kindAfter(node, node.children.size());
  if (node.kind == NodeKind::Tuple && node.children.size() == 1 && node.child(0)->text.empty())
    return kindOf(*node.child(0)->child(1));
  const Node *structure = node.kind == NodeKind::Name ? declared(node.text, NodeKind::Structure) : nullptr;
  return structure && !structure->child(2)->present() ? kindOf(structure->child(0)->text) : "";
}

bool InstanceFinder::followsData(const Node &node, bool given) const {
  if (node.kind == NodeKind::With) {
    for (const Node *field : node.child(1)->children) {
      if (field->text == fields::data)
        given = true;
      else if (field->text == fields::velocity || field->text == fields::score)
        return false;
    }
    return followsData(*node.child(0), given);
  }
  if (node.kind == NodeKind::Tuple && node.children.size() == 1)
    return followsData(*node.child(0)->child(1), given);
  const Node *name = node.kind == NodeKind::Postfix ? node.child(0) : &node;
  const Node *structure = name->kind == NodeKind::Name ? declared(name->text, NodeKind::Structure) : nullptr;
  if (!structure)
    return given;
  const Node &body = *structure->child(3);
  if (body.kind != NodeKind::Fields)
    return followsData(body, given);
  return given || std::any_of(body.children.begin(), body.children.end(), [](const Node *field) {
           return field->text == fields::data && field->child(2)->present();
         });
}

void InstanceFinder::add(const Node &node, uint32_t end, const std::string &kind, bool follows, const Names &bound,
                         std::vector<Instance> &found) const {
  if (kind.empty())
    return;
  bool free = true; // no name in it is bound outside of it
  walk(node, [&](const Node &inner) {
    if (inner.kind != NodeKind::Name || inner.span.end > end)
      return;
    auto [first, last] = bound.equal_range(inner.text);
    // What a step is offered under these names hides declarations that are called so.
    bool hidden = kind == kinds::process && (inner.text == "t" || inner.text == "dt");
    free &= (first == last && !hidden) ||
            std::any_of(first, last, [&](const auto &b) { return within(b.second->span, node.span.begin, end); });
  });
  std::string text(node.span.source->text().substr(node.span.begin, end - node.span.begin));
  if (free && std::none_of(found.begin(), found.end(), [&](const Instance &i) { return i.text == text; }))
    found.push_back({text, kind, {node.span.source, node.span.begin, end}, follows});
}

void InstanceFinder::visit(const Node &node, const Names &bound, std::vector<Instance> &found) const {
  if (node.kind == NodeKind::Postfix)
    for (size_t end = node.child(0)->kind == NodeKind::Name ? 1 : 2; end < node.children.size(); ++end)
      if (node.child(end)->kind != NodeKind::Call) // a prefix that is a whole value: its next part asks it for a field
        add(node, node.child(end - 1)->span.end, kindAfter(node, end),
            end > 2 ? false : followsData(*node.child(0), false), bound, found);
  if (node.kind == NodeKind::Postfix || node.kind == NodeKind::With || node.kind == NodeKind::Name)
    add(node, node.span.end, kindOf(node), followsData(node, false), bound, found);
  // The name before a call is no value of its own.
  for (size_t i = node.kind == NodeKind::Postfix && node.child(0)->kind == NodeKind::Name ? 1 : 0;
       i < node.children.size(); ++i)
    visit(*node.child(i), bound, found);
}

std::vector<Instance> InstanceFinder::find(const Ast &file) const {
  std::vector<Instance> found;
  for (const Node *test : file.program->children) {
    if (test->kind != NodeKind::Test)
      continue;
    Names bound;
    walk(*test->child(1), [&](const Node &node) {
      if (binds(node.kind) && !node.text.empty())
        bound.emplace(node.text, &node);
      if (node.kind == NodeKind::Names)
        for (const Node *name : node.children)
          bound.emplace(name->text, &node);
    });
    visit(*test->child(1), bound, found);
  }
  return found;
}

} // namespace kac
