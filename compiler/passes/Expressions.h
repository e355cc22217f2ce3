// Functions of the kac dialect in, their values as a graph of expressions with normal forms out.
#pragma once

#include "compiler/passes/Arithmetic.h"
#include "compiler/passes/Derivation.h"
#include "compiler/passes/KindFields.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseMap.h"

#include <deque>

namespace kac {

using Ids = std::vector<Id>;

/// One value. Equal expressions are one node, whichever function they were written in.
struct Expression {
  enum Kind {
    Argument,  // the state, the time, or a further parameter
    Operation, // `op`, or one like it, of `operands`; a call that is not looked into too
    Named,     // operands[0], which keeps its name: a schedule of a process
    Formed,    // what the form says
    Number,
    Integer,
    Ones,           // an array of ones in the shape of the state
    Reciprocal,     // 1 / coef of the form
    Gradient,       // of the scalar operands[0] by the state
    TimeDerivative, // of operands[0] at a fixed state
  };
  Kind kind;
  mlir::Type type;
  mlir::Operation *op = nullptr;
  Ids operands, shown;                     // shown: the arguments of a named call
  llvm::SmallVector<mlir::Value> captured; // values around `op` that its regions use: the last operands
  double number = 0;
  bool usesState = false, usesTime = false;
  std::string external; // what the state reaches and has no derivative: a function of the application, an operation
  mlir::Operation *blamed = nullptr; // the use of it
  ir::MissingOp missing;             // of a call of a field that its structure does not have
  Form form;

  Expression(Kind kind, mlir::Type type, mlir::Operation *op = nullptr, Ids operands = {})
      : kind(kind), type(type), op(op), operands(std::move(operands)) {}
};

class Expressions {
public:
  /// Functions that stand for others, by name: the drift that is tried.
  llvm::StringMap<mlir::func::FuncOp> chosen;

  Expressions(mlir::ModuleOp module, mlir::Type state);
  Expressions(const Expressions &) = delete;

  Id state, time;
  const Expression &operator[](Id id) const { return nodes[size_t(id)]; }
  bool scalarState() const { return ir::shapeOf(stateType).empty(); }

  /// The results of a function. Throws NoForm where a derivative in it cannot be followed.
  Ids evaluate(mlir::func::FuncOp function, const Ids &arguments);
  Id argument(mlir::Type type);

  Vector asVector(const Form &form) const;
  Scalar asScalar(const Form &form) const;
  /// What the divergence is taken of: without what does not depend on the state.
  Vector asField(const Form &form) const;
  Scalar divergence(const Vector &vector);
  Form dot(const Form &a, const Form &b);
  Coef reciprocal(const Coef &coef);

  /// A field of a process at the state and the time, or at the time alone; nothing where the module has no such
  /// function.
  std::optional<Form> fieldOf(llvm::StringRef process, llvm::StringRef name);
  /// The field of a structure that the call `id` is of: (kind, structure, field); empty where it is none.
  struct Field {
    llvm::StringRef kind, structure, name;
  };
  Field fieldOf(Id id) const;
  /// In the words of the language; names that are long come shortened.
  std::string nameOf(Id id) const;

private:
  using Environment = llvm::DenseMap<mlir::Value, Id>;

  Id intern(Expression node, const std::string &key);
  Id number(double value);
  Id integer(int64_t value);
  Id ones();
  Id formed(Form form, mlir::Type type);
  Id operation(mlir::Operation *op, Ids operands, llvm::ArrayRef<mlir::Value> captured = {});
  Id derived(Expression::Kind kind, Id of);

  // ExpressionsEvaluate.cpp: functions
  void visit(mlir::Operation *op, Environment &environment);
  Ids call(mlir::func::CallOp op, const Ids &arguments);
  mlir::func::FuncOp first(mlir::func::FuncOp function);
  mlir::func::CallOp callOf(mlir::func::FuncOp callee, mlir::Location at);
  std::optional<Ids> look(mlir::func::CallOp op, mlir::func::FuncOp callee, const Ids &arguments);
  void region(mlir::Operation *op, Environment &environment);
  Id derivative(mlir::Operation *op, Environment &environment);
  bool onlyThrough(mlir::Value value, mlir::Value variable, const Environment &environment) const;
  mlir::func::FuncOp find(Field field) const;
  std::string externalIn(mlir::func::FuncOp function);
  static std::string externalIn(mlir::Operation *op);
  /// Whether a form is made of named things only: the state, constants, calls, and derivatives of these.
  bool isClosed(const Form &form, bool fieldsOfProcessOnly) const;
  /// The field `name` of the structure whose logp the call `id` is, at the same arguments.
  std::optional<Form> sibling(Id id, llvm::StringRef name);
  std::optional<Form> formOf(Field field, const Ids &arguments, mlir::Location at);

  // ExpressionsForm.cpp: rules
  Form formOf(mlir::Operation *op, const Expression &node, Id id);
  Form opaque(const Expression &node, Id id) const;
  Form sum(const Form &a, const Form &b) const;
  Form scale(const Form &a, const Coef &c) const;
  Form multiply(const Form &a, const Form &b) const;
  Form normal(Form form) const;
  Coef normal(const Coef &coef) const;
  Form gradient(Id id);
  Form timeDerivative(Id id);
  Coef timeDerivative(const Coef &coef);

  mlir::ModuleOp module;
  mlir::Type stateType;
  std::deque<Expression> nodes; // references to nodes stay good
  std::map<std::string, Id> interned;
  std::map<std::tuple<std::string, std::string, std::string>, mlir::func::FuncOp> fields;
  llvm::StringMap<std::string> externals;
  std::optional<std::pair<Id, Coef>> rule; // the one reciprocal that is rewritten
  std::vector<mlir::func::FuncOp> plain;   // called so far, of no kind
  mlir::Block scratch;                     // calls that the text does not have
  int depth = 0;
};

/// Makes operations of nodes and forms in a function: each node once.
class Emitter {
public:
  /// Takes over the body of `function`; `finish` gives its result. The old body stays until the emitter goes.
  Emitter(Expressions &expressions, mlir::func::FuncOp function);
  ~Emitter();

  /// The value of a form, of the function's result type.
  void finish(const Form &form);
  /// Whether symbol^power is finite.
  void finishFinite(Id symbol, int power);

private:
  mlir::Value scalar(Scalar form);
  mlir::Value vector(const Vector &form);
  mlir::Value value(Id id);
  mlir::Value make(const Expression &node);
  mlir::Value coef(const Coef &coef);
  mlir::Value atom(const ScalarAtom &atom);
  mlir::Value combine(llvm::ArrayRef<std::pair<Coef, mlir::Value>> terms);
  Expressions &expressions;
  mlir::func::FuncOp function;
  mlir::Region old;
  mlir::OpBuilder b;
  Arithmetic e;
  mlir::Value x, t;
  std::map<Id, mlir::Value> made;
};

} // namespace kac
