// The elaborator behind `check`: evaluates declarations, structures and calls at compile time, and leaves first-order
// functions. One class over several files, by subject.
#pragma once

#include "dsl/Check.h"
#include "dsl/Identity.h"
#include "dsl/Kinds.h"
#include "dsl/Operations.h"
#include "dsl/Value.h"

#include <unordered_map>
#include <utility>

namespace kac::checking {

/// A formal parameter: its name (or several, that take a tuple apart), and its type as written in a scope.
struct FormalInfo {
  std::string name;
  std::vector<std::string> names;
  const Node *type = nullptr;
  ScopePtr typeScope;
  const Node *fallback = nullptr; // the default's expression
  Span span;
};

/// A function ready to be applied, whatever declared it.
struct Callable {
  std::string name;
  std::string key; // equal for the same function; empty where it must be expanded
  std::vector<FormalInfo> formals;
  const Node *result = nullptr;
  ScopePtr resultScope;
  const Node *body = nullptr;
  ScopePtr scope;                      // encloses the body
  std::vector<std::string> parameters; // size and type parameters
  std::string operation;               // of a primitive, and where it is named
  Span operationSpan;
  const Node *derivatives = nullptr; // Fields: dx = ...
  StructurePtr structure;            // of a field
  std::string field;
  Span span;
};

/// What a declaration leaves to its uses decides which messages hold for all of them.
enum class Open { Nothing, Sizes, Types };

/// What to say of a name that is not there: the nearest of those that are, if it is near.
std::string nearest(const std::string &name, const std::vector<std::string> &offered);
std::vector<std::string> fieldNames(const Structure &structure);

void annotate(Value &value, const FormalInfo &formal);

class Elaborator {
public:
  Elaborator(Model &model, Diagnostics &diagnostics, const CheckOptions &options);
  Elaborator(const Elaborator &) = delete;
  ~Elaborator();
  void loadPrelude(const std::vector<const Ast *> &files);
  void loadProgram(const Ast &program, const std::string &directory);
  /// Elaborates every declaration of the program, its samplers and (where asked) its tests.
  void elaborateProgram();

private:
  /// A function under construction.
  struct Frame {
    explicit Frame(Function &made) : function(&made), blocks{std::make_shared<Block>()} {}
    Function *function;
    std::vector<std::shared_ptr<Block>> blocks;
    std::vector<std::pair<int, int64_t>> indices; // enclosing index slots with their extents
    std::set<int> rebound;                        // slots that are assigned again, or differentiated by
    bool global = false;                          // evaluates a declaration, not a function
    bool entry = false;                           // may draw and weigh
    bool weighs = false;
    bool effects = false;   // has drawn or weighed
    bool probe = false;     // is thrown away
    int comprehensions = 0; // that are open: a weight has no turn of its own in one
  };

  // --- messages ---
  [[noreturn]] void fail(const std::string &code, Span span, const std::string &text,
                         const std::string &help = "") const;
  void reportFailure(const CheckFailure &failure);

  // --- names (CheckNames.cpp) ---
  Value lookup(const std::string &name, const ScopePtr &scope, Span span);
  bool tryLookup(const std::string &name, const ScopePtr &scope, Value &value);
  bool findBinding(const std::string &name, const ScopePtr &scope, Binding &binding);
  Value declared(const Node *declaration, const ScopePtr &file);
  const Node *findKind(const std::string &name, const ScopePtr &scope);
  ScopePtr inner(const ScopePtr &parent) const;
  ScopePtr functionScope(const ScopePtr &parent) const;
  ScopePtr captured(const ScopePtr &scope);
  bool isLocal(const ScopePtr &scope) const;
  bool isLocal(const Value &value) const;
  Value evaluateData(const Node *node);
  Value evaluateParam(const Node *node, const ScopePtr &file);
  Value settable(const std::string &name, const Node *type, const Node *fallback, Span span, const ScopePtr &scope);
  std::string nearestName(const std::string &name, const ScopePtr &scope) const;

  // --- types and sizes (CheckTypes.cpp) ---
  Type resolveType(const Node *node, const ScopePtr &scope);
  bool isStructureType(const Node *node, const ScopePtr &scope);
  std::vector<int64_t> resolveExtent(const Node *node, const ScopePtr &scope);
  void unify(const Node *node, const ScopePtr &typeScope, const Value &value,
             const std::vector<std::string> &parameters, Bindings &bindings, std::vector<int64_t> &frame, Span span);
  void unifyExtent(const Node *node, const ScopePtr &scope, int64_t size, const std::vector<std::string> &parameters,
                   Bindings &bindings, Span span);
  bool isParameter(const Node *node, const std::vector<std::string> &parameters) const;
  ExprPtr coerce(ExprPtr e, const Type &to, Span span, bool promise);
  ExprPtr repeatTo(ExprPtr e, const Type &to, Span span);
  void sameNames(const Type &a, const Type &b, Span span) const;
  Type commonType(const Type &a, const Type &b, Span span);
  Type tangentOf(const Type &type) const;
  int64_t constantSize(const Value &value, Span span);

  // --- building (CheckBuild.cpp) ---
  ExprPtr number(double value, Type type, Span span) const;
  ExprPtr local(int slot, Span span) const;
  int newSlot(const std::string &name, const Type &type);
  void set(int slot, const ExprPtr &value, Span span);
  ExprPtr store(const std::string &name, const ExprPtr &value, Span span);
  ExprPtr hold(ExprPtr e, const std::string &name = "");
  ExprPtr constantFunction(const ExprPtr &e, const std::string &name);
  ExprPtr asRun(const Value &value, Span span);
  Value hold(const Value &value, const std::string &name = "");
  void emit(Statement statement);
  std::shared_ptr<Block> block(const std::function<ExprPtr()> &body);
  ExprPtr nested(const std::function<ExprPtr()> &body);
  ExprPtr make(Op op, Type type, std::vector<ExprPtr> args, Span span) const;
  ExprPtr build(const std::vector<int64_t> &extents, Span span,
                const std::function<ExprPtr(const std::vector<ExprPtr> &)> &body);
  Value buildValue(const std::vector<int64_t> &extents, Span span,
                   const std::function<Value(const std::vector<ExprPtr> &)> &body);
  ExprPtr index(ExprPtr array, const std::vector<ExprPtr> &indices, Span span);
  ExprPtr part(ExprPtr tuple, size_t component, Span span);
  ExprPtr sizeValue(int64_t size, Span span) const;

  // --- expressions (CheckExpr.cpp, CheckOperators.cpp) ---
  Value evaluate(const Node *node, const ScopePtr &scope);
  Value evaluateDetached(const Node *node, const ScopePtr &scope);
  Value evaluateChain(const Node *node, const ScopePtr &scope);
  Value settledBy(const std::string &sign, const Value &constant, const Node *right, const ScopePtr &scope, Span span);
  Value evaluateGuarded(const std::string &sign, const Value &a, const Node *right, const ScopePtr &scope, Span span);
  Value evaluatePostfix(const Node *node, const ScopePtr &scope);
  Value evaluateSuffixes(const Node *node, const ScopePtr &scope);
  Value evaluateMember(const Value &value, const Node *node);
  Value evaluateIndex(const Value &value, const Node *node, const ScopePtr &scope);
  Value evaluateTuple(const Node *node, const ScopePtr &scope);
  Value evaluateArray(const Node *node, const ScopePtr &scope);
  Value evaluateIf(const Node *node, const ScopePtr &scope, size_t from = 0);
  Value evaluateWith(const Node *node, const ScopePtr &scope);
  Value operate(const std::string &sign, const Value &a, const Value &b, Span span);
  ExprPtr arithmetic(Op op, ExprPtr a, ExprPtr b, Span span);
  ExprPtr negate(ExprPtr a, Span span);
  ExprPtr compare(const std::string &sign, ExprPtr a, ExprPtr b, Span span);
  ExprPtr concat(ExprPtr a, ExprPtr b, Span span);
  Type suffixShape(const Type &a, const Type &b, Span span) const;

  // --- statements (CheckStatement.cpp) ---
  Value evaluateBody(const Node *node, const ScopePtr &scope);
  Value evaluateBlock(const Node *node, const ScopePtr &scope);
  void evaluateStatement(const Node *node, const ScopePtr &scope);
  void evaluateFor(const Node *node, const ScopePtr &scope);
  void assign(const std::string &name, const Value &value, const ScopePtr &scope, Span span);
  void bindNew(const std::string &name, Value value, const ScopePtr &scope);
  void destructure(const std::vector<std::string> &names, const Value &value, const ScopePtr &scope, Span span);
  Value draw(const Value &density, Span span);
  const std::set<std::string> &mutableNames(const Node *body);

  // --- comprehensions (CheckComprehension.cpp) ---
  struct Range {
    bool compileTime = false;
    Value items;          // a compile-time array, whose elements are taken
    ExprPtr array;        // a run-time array, whose elements are taken
    ExprPtr lower, upper; // else numbers
    int64_t size = -2;    // the constant number of elements; -2: run-time bounds
  };
  Range evaluateRange(const Node *node, const ScopePtr &scope);
  Value rangeItem(const Range &range, const ExprPtr &index, Span span);
  Value comprehension(const Node *expr, const Node *generators, const ScopePtr &scope, Span span);
  Value generatorArgument(const Node *expr, const Node *generators, const ScopePtr &scope, const Callable *reduction,
                          const Value &callee, std::vector<Argument> rest, Span span);
  Value reduce(const std::string &operation, const Node *expr, const Node *generators, size_t from,
               const ScopePtr &scope, Span span);

  // --- calls (CheckCall.cpp) ---
  Value evaluateCall(const Value &callee, const Node *call, const ScopePtr &scope);
  std::vector<Argument> evaluateArguments(const Node *call, const ScopePtr &scope, size_t from = 0);
  Value call(const Value &callee, std::vector<Argument> arguments, Span span);
  Value apply(const Callable &callable, std::vector<Value> values, Span span);
  Value applyCell(const Callable &callable, std::vector<Value> values, const Bindings &bindings, Span span);
  Value expand(const Callable &callable, const std::vector<Value> &values, const Bindings &bindings, Span span);
  const Function *instantiate(const Callable &callable, const std::vector<Value> &values, const Bindings &bindings,
                              Span span);
  ExprPtr primitive(const Callable &callable, std::vector<Value> values, const Bindings &bindings,
                    const std::vector<int64_t> &frame, Span span);
  std::vector<Value> match(const std::vector<FormalInfo> &formals, std::vector<Argument> arguments,
                           const std::string &name, Span span);
  Value defaultOf(const FormalInfo &formal, const Bindings &bindings);
  const Function *derivativeOf(const Callable &callable, const Node *field, const std::vector<ExprPtr> &args,
                               const Bindings &bindings);
  std::vector<FormalInfo> formalsOf(const Node *list, const ScopePtr &scope) const;
  Callable callableOf(const Closure &closure);
  bool builtin(const Value &callee, const Node *call, const ScopePtr &scope, Value &result);
  Value derivative(const std::string &name, const Node *call, const ScopePtr &scope);
  ExprPtr derivativeBy(Op op, ExprPtr e, int slot, const std::vector<int> &path, const Type &type,
                       const ExprPtr &direction, const Node *node);
  Value instantiateTemplate(const Closure &closure, std::vector<Argument> arguments, Span span);

  // --- operations (CheckOperation.cpp) ---
  const Operation &operationOf(const Callable &callable) const;
  void checkOperation(const Callable &callable, const std::vector<Type> &types, const Type &result) const;

  // --- structures (CheckStructure.cpp) ---
  StructurePtr makeStructure(const Node *kind, const std::string &name, const Node *node, const ScopePtr &scope,
                             const std::map<std::string, Value> &parameters, const Bindings &bindings);
  ScopePtr fileOf(const Node *kind) const;
  Value structureDeclaration(const Node *node, const ScopePtr &scope);
  void checkFieldName(const Node *kind, const Node *field) const;
  void checkNotItself(const Node *field) const;
  std::vector<std::pair<const Node *, size_t>> definitions(const Structure &structure, const std::string &field) const;
  const Node *signature(const Structure &structure, const std::string &field) const;
  bool hasField(const Structure &structure, const std::string &field) const;
  /// The complete definitions of a field, in order; empty where there is none.
  std::vector<const Node *> settle(const StructurePtr &structure, const std::string &field);
  bool completes(const StructurePtr &structure, const std::string &field, const Node *definition, size_t layer,
                 CheckFailure *lacks = nullptr);
  bool available(const StructurePtr &structure, const std::string &field);
  void expectStructure(const Value &value, const std::string &field, const Node *type, Span span) const;
  Value fieldOf(const StructurePtr &structure, const std::string &field, Span span);
  Callable fieldCallable(const StructurePtr &structure, const std::string &field, const Node *definition, size_t layer);
  void staysInside(const StructurePtr &sampler, const StructurePtr &kernel, Span span);
  Value callField(const StructurePtr &structure, const std::string &field, std::vector<Value> values, Span span);
  using Give = std::function<Value(const Node *)>;
  Value giveWhen(const StructurePtr &structure, const std::string &field, const Node *definition, const ScopePtr &scope,
                 const Give &here, const Give &whole, const std::function<Value(const StructurePtr &)> &ofKind,
                 Span span);
  Value callDefinition(const StructurePtr &structure, const std::string &field, const Node *definition,
                       std::vector<Value> values, Span span);
  Value callUnconditionally(const StructurePtr &structure, const std::string &field, const Node *definition,
                            size_t layer, std::vector<Value> values, Span span);
  void probe(const std::function<void()> &f);
  Value asLaw(Value v, const std::string &field, const std::vector<Value> &values, const Node *sign, Span span);
  Value callLifted(const StructurePtr &structure, const std::string &field, std::vector<Value> values, Span span);
  Value callChoice(const StructurePtr &structure, const std::function<Value(const StructurePtr &)> &field, Span span);
  Value drawLifted(const StructurePtr &structure, Span span);
  void relift(const StructurePtr &structure);
  StructurePtr lift(const StructurePtr &structure, const std::vector<int64_t> &frame);
  std::optional<Type> cellOf(const Node *callee, size_t parameter, const StructurePtr &structure,
                             const ScopePtr &scope);
  std::optional<Type> cellOf(const Node *body, const std::string &name, const StructurePtr &structure,
                             const ScopePtr &scope);
  bool inferParameter(const StructurePtr &structure, const std::string &name, Binding &binding);
  Type valueType(const StructurePtr &density, Span span);
  ScopePtr layerScope(const StructurePtr &structure, size_t layer);
  void checkRequires(const StructurePtr &structure);
  void checkRequire(const StructurePtr &structure, const Node *require, size_t layer);
  void demandOf(const ExprPtr &condition, const std::string &name, const std::string &text, Span span);
  void demandOfEach(int64_t size, bool local, const std::function<void(const ExprPtr &)> &element, Span span);
  ExprPtr everyOf(const ExprPtr &array);
  /// A condition on inputs alone, checked when a run is created.
  void require(const ExprPtr &condition, const std::string &code, const std::string &name, const std::string &text,
               Span span);
  void demandType(const ExprPtr &input, const std::string &name); // CheckInput.cpp
  void demand(const ExprPtr &condition, const std::string &code, const std::string &name, const std::string &text,
              Span span);
  [[noreturn]] void missingField(const StructurePtr &structure, const std::string &field, Span span);
  CheckFailure whyMissing(const StructurePtr &structure, const std::string &field, Span span);
  Value absent(const StructurePtr &structure, const std::string &field, const std::vector<Value> &values, Span span);
  Value structureArrayElement(const std::vector<Value> &elements, const Value &index, Span span);

  // --- targets (CheckTarget.cpp) ---
  bool isTargetOperand(const Value &value) const;
  Value targetOperate(const std::string &sign, const Value &a, const Value &b, Span span);
  std::shared_ptr<const Target> asTarget(const Value &value, const ExprPtr &time, Span span);
  Value targetField(const std::shared_ptr<const Target> &target, const std::string &field, Span span);
  Value fused(std::vector<Argument> &arguments, Span span);
  bool definitionsAlike(const std::vector<std::pair<ExprPtr, StructurePtr>> &laws, const StructurePtr &law);
  Value combined(const std::vector<std::pair<ExprPtr, StructurePtr>> &laws, Span span);
  bool isModel(const StructurePtr &structure) const;
  bool sameField(const StructurePtr &a, const StructurePtr &b, const std::string &field, Span span);

  // --- samplers (CheckSampler.cpp) ---
  void elaborateSampler(const Node *node, const StructurePtr &structure);
  void elaborateEntries(const Node *node, const StructurePtr &structure);
  const Function *entry(const StructurePtr &structure, const std::string &field, const std::vector<Type> &types,
                        const std::vector<std::string> &names);
  const Function *enter(const std::string &name, Span span, const std::vector<Type> &types,
                        const std::vector<std::string> &names, bool effects,
                        const std::function<Value(std::vector<Value>)> &body);
  void demandRequires(const StructurePtr &structure);
  void alternatives(const StructurePtr &structure, Function &first, const Type &state);
  struct Doubt {
    std::string code, text;
    Span span;
  };
  std::vector<Doubt> describeTarget(const StructurePtr &structure, Sampler &sampler);
  void checkStart(const StructurePtr &structure, const Sampler &sampler);
  void checkFunction(const Node *node, const Closure &closure);
  void elaborateTest(const Node *node, const ScopePtr &scope);
  void numberSites();

  // --- what kinds promise of laws and processes (CheckLaws.cpp) ---
  void elaborateLaws(const Node *test, const ScopePtr &file);
  void elaborateLaw(const Node *node, const ScopePtr &scope);
  bool addPromise(const LawCase::Promise &promise, const std::function<Value()> &from,
                  const std::function<Value(const std::vector<Value> &)> &step, const std::function<Value()> &to);

  // --- declarations that nothing uses (CheckAlone.cpp) ---
  void checkAlone(const Node *node);
  std::vector<CheckFailure> failuresAlone(const Node *node, const Value &value, const std::vector<int64_t> &rest);
  void checkFields(const StructurePtr &structure, size_t layer, Open open, std::vector<CheckFailure> &failures);
  void checkField(const StructurePtr &structure, const Node *definition, size_t layer, Open open,
                  std::vector<CheckFailure> &failures);
  void attempt(const std::function<void()> &f, Open open, std::vector<CheckFailure> &failures);
  void typeNames(const Node *type, const ScopePtr &scope, std::vector<const Node *> &names);
  Open standInFor(const Node *parameters, const std::vector<const Node *> &types, const std::vector<int64_t> &rest,
                  const ScopePtr &scope);
  Value standIn(const FormalInfo &formal);
  Value standIn(const Node *type, const ScopePtr &scope, int nested = 0);
  Value standInFunction(const Node *result, const ScopePtr &scope, int nested);
  StructurePtr standInStructure(const Node *kind, const Bindings &bindings, int nested);

  // --- kinds (CheckKind.cpp) ---
  void checkKind(const Node *node);
  void checkNamedOnce(const Node *node);
  void warnOfTemplate(const Node *declaration);
  bool isTemplate(const Node *declaration);
  bool isSettable(const Node *declaration);
  StructurePtr withSettings(const Node *declaration);

  Value detached(const std::function<Value()> &evaluateIn, const std::string &name, Span at = {});

  Model &model;
  Diagnostics &diagnostics;
  CheckOptions options;
  std::string directory;
  ScopePtr preludeScope, programScope;
  const Ast *programAst = nullptr;
  bool incomplete = false; // declarations of the program were refused: their names are not there
  std::vector<const Ast *> preludeAsts;
  std::set<const Source *> librarySources;
  bool unweighable = false; // at work on an entry other than init and step
  std::vector<Frame *> frames;
  std::unordered_map<const Node *, Value> values; // of declarations
  std::map<std::string, int64_t> dataSizes;       // names of sizes that data files settle
  std::set<const Node *> evaluating;              // declarations under way
  std::map<std::string, const Function *> instances;
  Identity identity;                            // names of structures
  bool entryWeighs = false;                     // whether the last entry made has a weight
  const Structure *entered = nullptr;           // the sampler whose entries are made
  std::set<const Structure *> stepsRead;        // samplers that compute with the number that their text gives
  std::set<std::string> expanded;               // keys of functions that must be expanded
  std::pair<const Node *, std::string> aliased; // the expression that a structure is declared by, and its name
  std::set<const Node *> instantiated;          // templates that the program gives their parameters
  std::set<std::pair<const Structure *, std::string>> settling;
  int cyclesBroken = 0; // fields under way that were asked for: what failed meanwhile may not be remembered
  std::unordered_map<const Node *, std::set<std::string>> mutables;
  std::set<std::string> functionNames;
  const std::set<std::string> *currentMutables = nullptr; // of the body being evaluated
  bool deferring = false;                                 // in the body of a rate: what a model lacks is left to derive
  /// The conditions of structures that are only asked about, where they are made in the block that asks.
  struct Caught {
    std::vector<ExprPtr> conditions;
    std::vector<std::string> texts;
    size_t frames, blocks;
  };
  Caught *caught = nullptr;
  Span place; // of the program, on whose behalf something is evaluated
  int depth = 0;
  std::vector<std::shared_ptr<Node>> keptNodes;                   // of structures without a conditional definition
  std::vector<StructurePtr> alive;                                // those whose address is part of a key
  std::map<std::string, StructurePtr> unique;                     // instances of templates, by what they are made of
  std::map<std::string, Binding> inferredAlike;                   // by likeness and parameter
  std::map<std::string, std::vector<const Node *>> completeAlike; // by likeness and field
  int expansions = 0;                                             // nested, of one function or template in another
  mutable std::vector<std::weak_ptr<Scope>> scopes; // what a scope binds may have been written in that scope
  mutable int64_t made = 0;                         // expressions so far: structures in structures can make too many
  std::set<std::string> instantiating;
  friend struct DepthGuard;

  /// Another value for as long as it lives.
  template <typename T> struct Scoped {
    Scoped(T &place, T value) : place(place), before(std::exchange(place, std::move(value))) {}
    Scoped(const Scoped &) = delete;
    Scoped &operator=(const Scoped &) = delete;
    ~Scoped() { place = std::move(before); }
    T &place;
    T before;
  };
  /// What is pushed after it is popped with it.
  template <typename T> struct Popped {
    explicit Popped(std::vector<T> &stack) : stack(stack), size(stack.size()) {}
    Popped(const Popped &) = delete;
    Popped &operator=(const Popped &) = delete;
    ~Popped() { stack.resize(size); }
    std::vector<T> &stack;
    size_t size;
  };
  /// In the set for as long as it lives, if it was not before.
  template <typename T> struct Underway {
    Underway(std::set<T> &set, T key) : set(set), inserted(set.insert(std::move(key))) {}
    Underway(const Underway &) = delete;
    Underway &operator=(const Underway &) = delete;
    ~Underway() {
      if (fresh())
        set.erase(inserted.first);
    }
    bool fresh() const { return inserted.second; }
    std::set<T> &set;
    std::pair<typename std::set<T>::iterator, bool> inserted;
  };
  /// At work on another function for as long as it lives.
  struct Within {
    Within(Elaborator &e, Frame &frame) : outer(e.frames), body(e.currentMutables, nullptr), asked(e.caught, nullptr) {
      e.frames.push_back(&frame);
    }
    Popped<Frame *> outer;
    Scoped<const std::set<std::string> *> body;
    Scoped<Caught *> asked;
  };

  Frame &frame() { return *frames.back(); }
  std::string uniqueName(const std::string &name);
};

} // namespace kac::checking
