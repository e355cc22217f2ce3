// What `check` computes with: run-time expressions, and the compile-time values that none of them may remain of.
#pragma once

#include "dsl/Ast.h"
#include "dsl/Model.h"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kac::checking {

struct Value;
struct Scope;
struct Structure;
struct Closure;
struct CompileArray;
struct Target;
struct TuplePart;
using ScopePtr = std::shared_ptr<Scope>;
using StructurePtr = std::shared_ptr<Structure>;

/// What a size parameter or a type parameter stands for.
struct Binding {
  bool isType = false;
  Type type;                  // T
  std::vector<int64_t> sizes; // n (one) or ..s (any number)
};
using Bindings = std::map<std::string, Binding>;

struct Value {
  enum class Kind { Run, Function, Structure, Array, Tuple, Target, Text, Default };
  Kind kind = Kind::Run;
  ExprPtr run;                               // Run
  std::shared_ptr<const Closure> closure;    // Function
  StructurePtr structure;                    // Structure
  std::shared_ptr<const CompileArray> array; // Array: of compile-time values
  std::vector<TuplePart> parts;              // Tuple with a compile-time part
  std::shared_ptr<const Target> target;      // Target: the algebra of densities
  std::string text;                          // Text
                                             // Default: an argument that was left out

  static Value of(ExprPtr e);
  static Value of(std::shared_ptr<const Closure> c);
  static Value of(StructurePtr s);
  static Value of(std::shared_ptr<const CompileArray> a);
  static Value of(std::shared_ptr<const Target> t);
  bool isRun() const { return kind == Kind::Run; }
  const Type &type() const { return run->type; }

private:
  template <typename T> static Value made(Kind kind, T Value::*part, T value);
};

struct TuplePart {
  std::string name; // may be empty
  Value value;
};

template <typename T> Value Value::made(Kind kind, T Value::*part, T value) {
  Value v;
  v.kind = kind;
  v.*part = std::move(value);
  return v;
}
inline Value Value::of(ExprPtr e) { return made(Kind::Run, &Value::run, std::move(e)); }
inline Value Value::of(std::shared_ptr<const Closure> c) { return made(Kind::Function, &Value::closure, std::move(c)); }
inline Value Value::of(StructurePtr s) { return made(Kind::Structure, &Value::structure, std::move(s)); }
inline Value Value::of(std::shared_ptr<const CompileArray> a) { return made(Kind::Array, &Value::array, std::move(a)); }
inline Value Value::of(std::shared_ptr<const Target> t) { return made(Kind::Target, &Value::target, std::move(t)); }

/// One argument as written: a value, or what must be evaluated by the callee (a generator, a function in place).
struct Argument {
  std::string name;
  Span span;
  Value value;
};

/// Something that can be called.
struct Closure {
  enum class Kind {
    Declared, // `node` is a Fn
    InPlace,  // `node` is an Argument with Names
    Template, // `node` is a Structure with formals
    Field,    // field `name` of `structure`, by its first complete definition
    Native    // supplied by the compiler: the algebra of targets, lifted densities
  };
  Kind kind = Kind::Native;
  std::string name;
  const Node *node = nullptr;
  ScopePtr scope;
  StructurePtr structure;
  const Node *type = nullptr; // InPlace: the TypeFn that it was given for, and where that is written
  ScopePtr typeScope;
  std::function<Value(std::vector<Argument> &, Span)> native;
};

/// An array of compile-time values of constant size.
struct CompileArray {
  int64_t size = 0;
  std::vector<Value> elements;                 // a literal array, else empty
  bool local = false;                          // `element` captures run-time values of a function
  std::function<Value(const Value &)> element; // the element at an index, constant or run-time
};

/// Definitions written in one pair of braces (or one `with f = e`), with the scope that they are written in.
struct Layer {
  const Node *fields = nullptr;  // Fields
  ScopePtr scope;                // encloses the braces
  const Node *formals = nullptr; // parameters of the template whose braces these are: fields too
};

/// What was found out about a structure.
struct Settled {
  std::map<std::string, std::vector<const Node *>> complete; // definitions of fields
  std::set<std::string> resolving;                           // type parameters being inferred
  Bindings inferred;                                         // and those found
  std::map<std::string, Value> fieldValues;                  // of a structure that captures nothing
  std::array<std::string, 2> described;                      // by Identity: whole, and by the types of what it captures
};

/// A structure of a kind: the kind's layer first, then the declaration's, then one a `with`.
struct Structure {
  const Node *kind = nullptr; // the Kind declaration
  std::string name;           // what it is called in functions and messages
  const Node *node = nullptr; // the declaration that made it
  std::vector<Layer> layers;
  std::map<std::string, Value> parameters;
  Bindings bindings;          // sizes and types, from arguments; others are inferred on demand
  std::vector<int64_t> frame; // a density lifted over leading axes: the product of independent ones
  std::function<StructurePtr(const std::vector<ExprPtr> &)> element; // of a lifted density, by indices
  std::map<std::string, size_t> parameterFrames;                     // axes of a parameter that belong to the frame
  std::vector<StructurePtr>
      choices; // one of these, by the run-time index `choice`: structures of different declarations
  ExprPtr choice;
  bool local = false;             // captures run-time values of a function
  std::set<std::string> replaced; // roles that a `with` has replaced after they followed from others
  Settled settled;                // empty again where a copy is changed
};

/// A power of a model, a density or a tilt.
struct Factor {
  StructurePtr structure;              // a model or a density
  std::shared_ptr<const Closure> tilt; // or log of a factor, a function of the state
  ExprPtr power;
  Span span; // where the text names it
};

struct Target {
  std::vector<Factor> factors;
  ExprPtr time; // null outside of a sampler's target
};

/// A scope in the text. Looking a name up walks outwards; fields inherited by the structures passed on the way come
/// after the declarations of the file (language reference 7, "Names").
struct Scope {
  enum class Kind { Locals, Braces, File };
  Kind kind = Kind::Locals;
  ScopePtr parent;
  std::map<std::string, Value> names;               // Locals
  Bindings bindings;                                // Locals: sizes and types
  StructurePtr self;                                // Braces
  size_t layer = 0;                                 // Braces: of self
  int block = 0;                                    // Locals: which block of the function binds these, for assignment
  bool functionTop = false;                         // Locals: parameters and statements of a function start here
  std::map<std::string, const Node *> declarations; // File
};

/// Thrown to the place that reports it. A missing field (E0401) may only mean that another equation must be tried.
struct CheckFailure {
  std::string code;
  Span span;
  std::string text;
  std::vector<std::pair<Span, std::string>> remarks;
  std::string help;
  StructurePtr structure = nullptr; // E0401: whose field is missing, if it is one
  std::string field = {};
  bool missing() const { return code == "E0401"; }
};

} // namespace kac::checking
