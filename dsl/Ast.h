// The syntax of a program and no more: one node type, whose layout per kind is listed here; no builtin is known by
// name.
#pragma once

#include "dsl/Source.h"

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kac {

/// What a node is, with `text` (a name or the literal as written), `op`, and the children in order.
/// A child in [brackets] may be absent: it is then a node of kind None. `x...` is any number of x.
enum class NodeKind {
  None,
  // Declarations
  Program,    //                 declaration...
  Import,     // text: path      [Name alias]
  Alphabet,   // text: name      String
  Const,      // text: name      [type] expr
  Data,       // text: name      [Sizes] type String
  Param,      // text: name      type expr                op: "=" or "~"
  Weights,    // text: name      String
  Fn,         // text: name      [Sizes] Formals [type] [expr or Block]
  Network,    // text: name      [Sizes] Formals [Formals] [type] Block or expr;   op "=": children are just: expr
  Kind,       // text: name      [Sizes] Fields
  KindAlias,  // text: name      Name
  Test,       //                 String expr
  Require,    //                 expr String              also among fields
  Structure,  // text: name      Name(kind) [Sizes] [Formals] (expr or Fields)
  Sizes,      //                 Size...
  Size,       // text: name      op: ".." where it stands for a list of axes
  Formals,    //                 FormalList FormalList     before and after `;`
  FormalList, //                 Formal...
  Formal,     // text: name      [Names] [type] [expr]     with Names, text is empty
  Names,      //                 Name...
  Fields,     //                 (Field or Require)...
  Field,      // text: name      [Formals] [type] [expr or Block] [expr when]   op: ":" or "->" before the type
  // Types and extents
  TypeFn,     //                 type... result
  TypeTuple,  //                 Component...
  Component,  // text: name/""   type
  TypeName,   // text: name      extent...
  TypeArray,  //                 type extent...             each further pair of brackets: so many of that type
  ExtentRest, // text: name      (`..name`)
  // Statements (an expression may stand as a statement)
  Block,         //              statement...
  Weigh,         //              expr
  For,           // text: index  range [expr while] Block
  Draw,          // text: name   [type] expr
  Assign,        // text: name   [type] expr
  AssignElement, // text: name   Index expr
  AssignTuple,   //              Names expr
  // Expressions
  With,       //                 expr Fields               (a single field without braces has op "=")
  Chain,      //                 operand (Operator operand)...  one precedence level, left to right, flat; also extents
  Operator,   // text: the sign
  Unary,      // op: "-" or "!"  expr
  Power,      //                 expr expr
  Postfix,    //                 primary (Call or Index or Member)...   each spans all that stands before it too
  Call,       //                 Argument...
  Index,      //                 (expr or Slice)...
  Member,     // text: name
  Argument,   // text: name/""   [Names] expr [Generators]   Names: parameters of a function defined in place
  Slice,      //                 [expr] [expr]             both absent: `..`
  Range,      //                 expr expr                 `a..b`; a range that is one expression is that expression
  Generators, //                 Generator... [Filter]     Filter is left out where absent
  Generator,  // text: index     range
  Filter,     //                 expr
  Tuple,      //                 Argument...
  Array,      //                 expr...
  ArrayComprehension, //         expr Generators
  If,     //                 (expr Block)... [Block]   conditions and blocks in turn, at last the else block if any
  Int,    // text
  Real,   // text
  String, // text: contents with escapes resolved
  True,
  False,
  Name, // text
};

struct Node {
  NodeKind kind = NodeKind::None;
  Span span;
  std::string text;
  std::string op;
  std::vector<Node *> children;
  std::string doc; // the `///` lines before a declaration, without their slashes

  Node *child(size_t i) const { return children[i]; }
  bool present() const { return kind != NodeKind::None; }
  /// Whether it is, or has below it, a node of this kind.
  bool contains(NodeKind wanted) const;
};

/// A comment with the index of the token that follows it; `ownLine` where nothing but blanks stands before it.
struct Comment {
  uint32_t nextToken = 0;
  bool ownLine = false;
  Span span;
};

/// One parsed file. Owns its nodes.
struct Ast {
  std::shared_ptr<const Source> source;
  Node *program = nullptr;
  std::deque<Node> nodes;
  std::vector<Comment> comments;

  Node *make(NodeKind kind, Span span) {
    nodes.push_back(Node{});
    nodes.back().kind = kind;
    nodes.back().span = span;
    return &nodes.back();
  }
};

/// The tree as indented text, one node a line: kind, text, op (for `--emit=ast`).
std::string printAst(const Ast &ast);

} // namespace kac
