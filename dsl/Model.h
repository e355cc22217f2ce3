// The checked model: first-order typed functions over arrays of static shape. Structures, kinds, equations, templates,
// lifting and overloads are all gone: every name is a slot, an input or a function. What `check` makes, `import` and
// the oracle read.
#pragma once

#include "dsl/Source.h"
#include "dsl/Types.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace kac {

struct Expr;
struct Block;
struct Function;
using ExprPtr = std::shared_ptr<const Expr>;

/// What an expression does. `args` are evaluated in order. Unless said otherwise operands of an elementwise operation
/// are arrays or scalars whose shapes are suffixes of the result's shape (a shorter operand is repeated along leading
/// axes).
enum class Op {
  Number,    // `number`: a scalar literal of `type` (real, int or bool)
  Local,     // the current value of `slot`
  Input,     // `index` into Model::inputs: a param or data; the same for all lineages
  Particles, // the number of lineages of the run, an int
  Call,      // `function`(args): a pure function of the model
  Add,
  Sub,
  Mul,
  Div,
  Pow, // elementwise on reals; Add Sub Mul also on ints
  Neg,
  Remainder, // elementwise on ints: a % b, rounded down
  Equal,
  NotEqual,
  Less,
  LessEqual, // elementwise comparisons, to bool (a > b is written b < a)
  And,
  Or,
  Not,
  Select,    // elementwise: args[0] ? args[1] : args[2], for values without blocks of their own
  Cast,      // elementwise int to real (a promise to a narrower type needs no operation)
  Primitive, // elementwise on scalars: `name` is an upstream or kac operation ("math.exp"); `derivatives` per argument
  Whole,     // an operation on whole arrays: `name` ("kac.sum", "kac.cumsum", "kac.search"); results as the prelude
             // declares
  Random, // one number from a primitive law: `name` is "kac.uniform" or "kac.normal"; args are the enclosing indices,
          // outermost first, `extents` their sizes; `index` is the site
  Stack,  // args of one type, along a new first axis
  Repeat, // args[0] along new leading axes, to `type`
  Concat, // args[0] ++ args[1] along the last axis
  Index,  // args[0][args[1], ...]: scalar ints for the leading axes. `inRange` where check has proved the bounds
  Build,  // [body for slots in extents of the leading axes of type]; `slots` are the indices, outermost first
  Reduce, // `name` ("kac.sum", ...) over slots[0] in args[0]..args[1] of body, where args[2] (a filter, optional)
          // holds; args[2] is evaluated with the index set. Arrays are reduced elementwise
  If,     // args[0] ? body : otherwise; a lineage may differ from its neighbour
  Tuple,  // args are the components
  Part,   // component `index` of args[0]
  Do,     // body: a block that has a value
  Grad,   // d args[0] / d slot (component path `path`): args[0] is a real scalar; through every definition between
  Jvp,    // derivative of args[0] along args[1] as slot moves
  Divergence, // sum_i d args[0]_i / d slot_i
  Laplacian,  // div grad args[0]
  Stop,       // args[0] with derivative zero
  Missing     // a field that a structure does not have, `name` says which: derive refuses it where it is still needed
};

struct Expr {
  Op op;
  Type type;
  Span span;
  std::vector<ExprPtr> args;
  double number = 0;
  int slot = -1;
  int64_t index = 0;
  std::string name;
  const Function *function = nullptr;
  std::vector<const Function *> derivatives; // Primitive: df/d arg_i as a function of all args; null: derivative zero
  std::vector<int> slots;
  std::vector<int64_t> extents;
  std::vector<int> path;
  std::shared_ptr<const Block> body, otherwise;
  bool inRange = false;
};

struct Statement {
  enum class Kind {
    Assign,        // slot = value
    AssignElement, // slot[indices...] = value
    For,    // for slot in value..second while condition { body }: slots assigned in body and bound before are carried
    If,     // if condition { body } else { otherwise } for its effects and assignments
    Weigh,  // log weight += value
    Require // condition must hold, else `text`; a lineage that breaks it is not finite
  };
  Kind kind;
  Span span;
  int slot = -1;
  ExprPtr value, second, condition;
  std::vector<ExprPtr> indices;
  std::shared_ptr<const Block> body, otherwise;
  std::string text;
};

struct Block {
  std::vector<Statement> statements;
  ExprPtr result; // null where the block has no value
};

struct Slot {
  std::string name;
  Type type;
};

/// A function. Pure ones are shared and called; what draws or weighs is expanded where it is used, so that only entry
/// functions of a sampler have effects.
struct Function {
  std::string name; // unique in the model: "q.score", "logsumexp.2"
  Span span;
  std::vector<int> parameters; // slots
  std::vector<Slot> slots;
  Type result;
  Block body;
  // What derive needs to know: the field of a kind that this function is, and of which structure.
  std::string kind, field, structure; // "process", "score", "q"; empty for a plain function
  /// Further complete definitions of the field, in the order of preference; this function is the first of them, and
  /// `when` (of the field's parameters, may be null) tells where it is meant to hold.
  std::vector<const Function *> alternatives;
  const Function *when = nullptr;
  std::string text; // of a condition: how the program writes it
};

/// A settable value or an array from a file: the same for all lineages.
struct Input {
  enum class Kind { Param, Data };
  Kind kind;
  std::string name;
  Type type;
  Span span;
  std::vector<double> values; // default or contents, in row-major order; ints are exact
  std::string file = {};      // of data: where they are, as the program says
};

struct Monitor {
  std::string name;
  const Function *function; // (x, t, n) -> real array
};

/// A condition that is checked when a run is created.
struct Requirement {
  const Function *function = nullptr; // () -> bool over inputs alone, or (t : real) -> bool of a sampler
  std::string sampler;                // then this holds wherever a step of it begins
  std::string code, text;             // what to say where it does not
  Span span;
};

/// A model that a sampler's target is made of.
struct Expert {
  std::string structure;
  const Function *power = nullptr; // (t : real) -> real
  Span span;                       // where the target names it
};

/// One sampler as functions of one lineage. Entry functions take exactly these parameters in this order.
struct Sampler {
  std::string name;
  Span span;
  int64_t particles = 1024;
  int64_t steps = 100;
  bool stepsFixed = false; // the text says 0, or computes with them
  Type state;
  const Function *init = nullptr; // (i : int) -> state
  const Function *step = nullptr; // (x : state, t : real, dt : real, n : int, i : int) -> state; null where steps is 0
  const Function *time = nullptr; // (u : real) -> real
  const Function *resample = nullptr; // (w : real[particles], ess : real, t : real, n : int) -> int[particles], or null
  const Function *when = nullptr;     // (ess : real, t : real, n : int) -> bool, or null: always
  const Function *output = nullptr;   // (x : state) -> output type
  std::vector<Monitor> monitors;
  // Declarative samplers: the fields that derive rewrites, null where the text gives `step`.
  const Function *drift = nullptr;    // (x, t)
  const Function *rate = nullptr;     // (x, t)
  bool weighted = true;               // false: weights = unweighted
  std::vector<Expert> experts;        // of its target, where it has one
  const Function *followed = nullptr; // (x, t): the drift, where it is another field given by name
};

struct TestCase {
  std::string text;
  Span span;
  const Function *function; // () -> bool
};

/// A law or a process that a test builds, and what its kind promises of it: for each promise that can be looked at
/// there is a sampler, whose outputs are its state, the log density of the law there, and perhaps the score.
struct LawCase {
  struct Promise {
    std::string of; // what of the process, with a colon; empty: of the law itself
    bool mass;      // the density integrates to one
    bool score;     // the third output is the derivative of the second
  };
  Span span;
  std::vector<Promise> promises;
};

struct Model {
  std::string stem; // of the file's name
  std::deque<Input> inputs;
  std::deque<Function> functions;
  std::deque<Sampler> samplers;
  std::vector<TestCase> tests;
  std::vector<LawCase> laws; // their samplers are the last, in this order
  std::vector<Requirement> requires_;
  std::vector<std::shared_ptr<const Source>> sources;
};

/// The model as a program of the language, for `--emit=model`.
std::string printModel(const Model &model);

} // namespace kac
