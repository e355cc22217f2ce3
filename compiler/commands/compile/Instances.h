// The trees of a program and of the library in; the laws and processes that the program's tests build out, each as
// text.
#pragma once

#include "dsl/Ast.h"

#include <map>
#include <string>
#include <vector>

namespace kac {

/// An expression of a test that is a value of a kind and means the same outside of the test.
struct Instance {
  std::string text, kind;
  Span span;
  /// A process that is given its data, and nothing after that changes what moves it: then its law is what it simulates.
  bool followsData = false;
};

class InstanceFinder {
public:
  /// Declarations of earlier trees hide those of later ones.
  explicit InstanceFinder(const std::vector<const Ast *> &files);
  /// Those of the tests of one file, each once.
  std::vector<Instance> find(const Ast &file) const;

private:
  using Names = std::multimap<std::string, const Node *>;
  std::map<std::string, const Node *> declarations;

  const Node *declared(const std::string &name, NodeKind kind) const;
  std::string kindOf(const std::string &name) const;
  std::string kindOfField(const std::string &kind, const std::string &field) const;
  std::string kindAfter(const Node &postfix, size_t end) const;
  std::string kindOf(const Node &node) const;
  bool followsData(const Node &node, bool given) const;
  void visit(const Node &node, const Names &bound, std::vector<Instance> &found) const;
  void add(const Node &node, uint32_t end, const std::string &kind, bool follows, const Names &bound,
           std::vector<Instance> &found) const;
};

} // namespace kac
