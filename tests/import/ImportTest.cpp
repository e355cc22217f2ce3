// Models written by hand in, the imported modules out: every expression and statement, carried slots, variables,
// errors.
#include "compiler/Import.h"
#include "ModelBuilder.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace kac;
using namespace kac::test;
using testing::HasSubstr;
using testing::Not;

namespace {

struct ImportTest : testing::Test {
  mlir::MLIRContext context;
  Model model;
  std::string message;

  std::string import() {
    mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) { message += diagnostic.str(); });
    mlir::OwningOpRef<mlir::ModuleOp> module = importModel(model, context);
    std::string text;
    llvm::raw_string_ostream stream(text);
    if (module)
      module->print(stream);
    return text;
  }
};

/// How often `part` stands in `text`.
int count(const std::string &text, const std::string &part) {
  int found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

Type tokenType(std::vector<int64_t> shape, int64_t letters) {
  Type type;
  type.scalar = Scalar::Token;
  type.shape = std::move(shape);
  type.letters = letters;
  return type;
}

TEST_F(ImportTest, inputsOfEachType) {
  model.inputs.push_back({Input::Kind::Param, "beta", realType(), {}, {3}});
  model.inputs.push_back({Input::Kind::Data, "xs", realType({2}), {}, {1, 2}});
  model.inputs.push_back({Input::Kind::Data, "ks", tokenType({2}, 4), {}, {0, 3}});
  Type flags = boolType();
  flags.shape = {2};
  model.inputs.push_back({Input::Kind::Param, "flags", flags, {}, {1}});
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("kac.declare_input @beta : f64 = 3.0"));
  EXPECT_THAT(text, HasSubstr("kac.declare_input data @xs : tensor<2xf64> = dense<[1.0"));
  EXPECT_THAT(text, HasSubstr("@ks : tensor<2xi32> = dense<[0, 3]>"));
  EXPECT_THAT(text, HasSubstr("@flags : tensor<2xi1> = dense<true>"));
}

TEST_F(ImportTest, inputWithTooFewValues) {
  model.inputs.push_back({Input::Kind::Data, "xs", realType({3}), {}, {1, 2}});
  EXPECT_EQ(import(), "");
  EXPECT_THAT(message, HasSubstr("its values do not fill real[3]"));
}

TEST_F(ImportTest, elementwiseOperationsRepeatShorterOperands) {
  FunctionBuilder f(model, "f", realType({2, 3}));
  int a = f.parameter("a", realType({3})), s = f.parameter("s", realType()), k = f.parameter("k", intType());
  Type bools = boolType();
  bools.shape = {3};
  ExprPtr sum = make(Op::Add, realType({3}), {f.get(a), f.get(s)});
  ExprPtr cast = make(Op::Cast, realType(), {make(Op::Remainder, intType(), {f.get(k), number(3, intType())})});
  ExprPtr less = make(Op::Less, bools, {f.get(a), f.get(s)});
  ExprPtr logic = make(Op::And, bools, {make(Op::Not, bools, {less}), make(Op::Or, bools, {less, less})});
  for (Op op : {Op::Sub, Op::Mul, Op::Div, Op::Pow})
    sum = make(op, realType({3}), {sum, cast});
  ExprPtr chosen = make(Op::Select, realType({3}), {logic, sum, make(Op::Neg, realType({3}), {f.get(a)})});
  for (Op op : {Op::Equal, Op::NotEqual, Op::LessEqual})
    chosen = make(Op::Select, realType({3}), {make(op, bools, {chosen, f.get(s)}), chosen, f.get(s)});
  f.result(make(Op::Add, realType({2, 3}), {chosen, number(1)}));
  std::string text = import();
  EXPECT_EQ(message, "");
  EXPECT_THAT(text, HasSubstr("kac.add %arg0, %arg1 : (tensor<3xf64>, f64) -> tensor<3xf64>"));
  for (const char *name : {"kac.sub", "kac.mul", "kac.div", "kac.pow", "kac.remainder", "kac.cast", "kac.not", "kac.or",
                           "kac.and", "kac.neg", "kac.select", "\"eq\"", "\"ne\"", "\"lt\"", "\"le\""})
    EXPECT_THAT(text, HasSubstr(name));
  EXPECT_THAT(text, HasSubstr("kac.repeat %"));
  EXPECT_THAT(text, HasSubstr("tensor<3xf64> -> tensor<2x3xf64>"));
}

TEST_F(ImportTest, primitivesNameTheirDerivatives) {
  FunctionBuilder d(model, "exp.dx", realType());
  d.result(d.get(d.parameter("x", realType())));
  FunctionBuilder f(model, "f", realType());
  int x = f.parameter("x", realType());
  auto expr = make(Op::Primitive, realType(), {f.get(x), f.get(x)});
  expr->name = "math.atan2";
  expr->derivatives = {&d.function, nullptr};
  f.result(expr);
  EXPECT_THAT(import(), HasSubstr("kac.primitive \"math.atan2\"(%arg0, %arg0) by [@exp.dx, unit]"));
}

TEST_F(ImportTest, arraysAndTheirElements) {
  model.inputs.push_back({Input::Kind::Data, "xs", realType({4}), {}, {1, 2, 3, 4}});
  FunctionBuilder f(model, "f", realType({6}));
  int k = f.parameter("k", intType()), i = f.slot("i", intType()), j = f.slot("j", intType()),
      y = f.slot("y", realType({2}));
  auto xs = make(Op::Input, realType({4}));
  auto element = make(Op::Index, realType(), {xs, f.get(k)});
  auto sure = make(Op::Index, realType(), {xs, number(0, intType())});
  sure->inRange = true;
  ExprPtr sum = named(Op::Whole, "kac.sum", realType(), {xs});
  auto random = make(Op::Random, realType(), {f.get(i)});
  random->name = "kac.normal";
  random->index = 7;
  random->extents = {4};
  auto built = std::const_pointer_cast<Expr>(withBody(Op::Build, realType({4}), {}, {i}, random));
  built->extents = {4};
  auto reduced = std::const_pointer_cast<Expr>(withBody(
      Op::Reduce, realType(), {number(0, intType()), f.get(k), make(Op::Less, boolType(), {f.get(j), f.get(k)})}, {j},
      make(Op::Cast, realType(), {f.get(j)})));
  reduced->name = "kac.sum";
  f.add(assign(y, make(Op::Stack, realType({2}), {element, sure})));
  f.add(assignElement(y, {number(1, intType())}, make(Op::Add, realType(), {sum, reduced})));
  f.result(make(Op::Concat, realType({6}), {f.get(y), built}));
  std::string text = import();
  EXPECT_EQ(message, "");
  EXPECT_THAT(text, HasSubstr("kac.input @xs : tensor<4xf64>"));
  EXPECT_THAT(text, HasSubstr("[%arg0] : tensor<4xf64> -> f64"));
  EXPECT_THAT(text, HasSubstr("] in_range : tensor<4xf64> -> f64"));
  EXPECT_THAT(text, HasSubstr("kac.random \"kac.normal\" site 7[%arg1] [4]"));
  EXPECT_THAT(text, HasSubstr("kac.yield %13, %12 : f64, i1")) << text;
  for (const char *name : {"kac.build [4]", "kac.reduce \"kac.sum\"", "kac.insert", "kac.concat", "kac.stack"})
    EXPECT_THAT(text, HasSubstr(name));
}

TEST_F(ImportTest, loopsCarryWhatTheyRebind) {
  FunctionBuilder f(model, "f", realType());
  int n = f.parameter("n", intType()), x = f.parameter("x", realType());
  int i = f.slot("i", intType()), y = f.slot("y", realType()), local = f.slot("local", realType());
  f.add(assign(y, number(0)));
  f.add(loop(i, number(0, intType()), f.get(n), make(Op::Less, boolType(), {f.get(y), f.get(x)}),
             block({assign(local, make(Op::Add, realType(), {f.get(y), f.get(x)})), assign(y, f.get(local))})));
  f.result(f.get(y));
  std::string text = import();
  EXPECT_EQ(message, "");
  EXPECT_THAT(text, HasSubstr("init(%cst : f64) while {\n    ^bb0(%arg2: i32, %arg3: f64):\n"
                              "      %1 = kac.compare \"lt\" %arg3, %arg1"))
      << text;
  EXPECT_THAT(text, HasSubstr("kac.add %arg3, %arg1"));
  EXPECT_THAT(text, HasSubstr("return %0 : f64"));
}

TEST_F(ImportTest, branchesCarryWhatEitherRebinds) {
  FunctionBuilder f(model, "f", tuple({{"a", realType()}, {"b", realType()}}));
  int c = f.parameter("c", boolType()), x = f.parameter("x", realType()), y = f.parameter("y", realType());
  f.add(when(f.get(c), block({assign(x, number(1))}), block({assign(y, number(2))})));
  auto chosen = make(Op::If, realType(), {f.get(c)});
  chosen->body = block({assign(x, f.get(y))}, f.get(x));
  chosen->otherwise = block({}, number(0));
  int z = f.slot("z", realType());
  f.add(assign(z, chosen));
  f.result(make(Op::Tuple, f.function.result, {f.get(z), f.get(x)}));
  std::string text = import();
  EXPECT_EQ(message, "");
  EXPECT_THAT(text, HasSubstr("%0:2 = kac.if %arg0 {\n"));
  EXPECT_THAT(text, HasSubstr("kac.yield %cst, %arg2 : f64, f64")) << text;
  EXPECT_THAT(text, HasSubstr("%1:2 = kac.if %arg0 {\n      kac.yield %0#1, %0#1 : f64, f64")) << text;
  EXPECT_THAT(text, HasSubstr("return %1#0, %1#1 : f64, f64"));
}

TEST_F(ImportTest, tuplesAreTheirParts) {
  Type state = tuple({{"x", realType({2})}, {"v", tuple({{"", realType()}, {"", intType()}})}});
  FunctionBuilder g(model, "g", state);
  g.result(g.get(g.parameter("s", state)));
  FunctionBuilder f(model, "f", intType());
  int s = f.parameter("s", state);
  auto inner = make(Op::Part, state.components[1].type, {call(g.function, {f.get(s)})});
  inner->index = 1;
  auto part = make(Op::Part, intType(), {inner});
  part->index = 1;
  auto doing = make(Op::Do, intType());
  int t = f.slot("t", intType());
  doing->body = block({assign(t, part)}, f.get(t));
  f.result(doing);
  std::string text = import();
  EXPECT_EQ(message, "");
  EXPECT_THAT(text, HasSubstr("call @g(%arg0, %arg1, %arg2) : (tensor<2xf64>, f64, i32) -> (tensor<2xf64>, f64, i32)"));
  EXPECT_THAT(text, HasSubstr("return %0#2 : i32"));
}

TEST_F(ImportTest, arraysOfTuplesAreTuplesOfArrays) {
  Type one = tuple({{"x", realType()}, {"k", intType()}});
  Type ints = intType();
  ints.shape = {2};
  Type many = tuple({{"x", realType({2})}, {"k", ints}});
  FunctionBuilder f(model, "f", one);
  int s = f.parameter("s", one);
  ExprPtr stacked = make(Op::Stack, many, {f.get(s), f.get(s)});
  f.result(make(Op::Index, one, {stacked, number(1, intType())}));
  std::string text = import();
  EXPECT_EQ(message, "");
  EXPECT_THAT(text, HasSubstr("(f64, f64) -> tensor<2xf64>"));
  EXPECT_THAT(text, HasSubstr("(i32, i32) -> tensor<2xi32>"));
  EXPECT_EQ(count(text, "kac.extract"), 2);
}

TEST_F(ImportTest, variablesOfDerivatives) {
  FunctionBuilder f(model, "f", realType());
  int x = f.parameter("x", realType({2})), t = f.parameter("t", realType()), i = f.slot("i", intType());
  int y = f.slot("y", realType());
  auto energy = [&] { return named(Op::Whole, "kac.sum", realType(), {f.get(x)}); };
  ExprPtr gradient = f.derivative(Op::Grad, realType({2}), x, {energy()});
  f.add(loop(i, number(0, intType()), number(3, intType()), nullptr,
             block({assign(x, make(Op::Sub, realType({2}), {f.get(x), gradient}))})));
  f.add(assign(y, f.derivative(Op::Jvp, realType(), t, {energy(), number(1)})));
  f.add(assign(y, f.derivative(Op::Divergence, realType(), x, {make(Op::Stop, realType({2}), {f.get(x)})})));
  f.result(f.derivative(Op::Laplacian, realType(), x, {energy()}));
  std::string text = import();
  EXPECT_EQ(message, "");
  // x: entry, body of the loop, assignment in it, result of the loop; t: entry.
  EXPECT_EQ(count(text, "kac.variable"), 5) << text;
  for (const char *name : {"kac.grad", "kac.jvp", "kac.divergence", "kac.laplacian", "kac.stop"})
    EXPECT_THAT(text, HasSubstr(name));
}

TEST_F(ImportTest, derivativesByTuples) {
  Type state = tuple({{"x", realType({2})}, {"k", intType()}, {"v", realType()}});
  FunctionBuilder f(model, "f", state);
  int s = f.parameter("s", state);
  auto v = make(Op::Part, realType(), {f.get(s)});
  v->index = 2;
  int g = f.slot("g", realType());
  f.add(assign(g, f.derivative(Op::Grad, realType(), s, {v}, {2})));
  f.add(assign(g, f.derivative(Op::Jvp, realType(), s, {v, f.get(s)})));
  f.add(assign(g, f.derivative(Op::Divergence, realType(), s, {f.get(s)})));
  f.result(f.derivative(Op::Grad, state, s, {v}));
  std::string text = import();
  EXPECT_EQ(message, "");
  EXPECT_EQ(count(text, "kac.grad"), 3);
  EXPECT_EQ(count(text, "kac.jvp"), 2);
  EXPECT_EQ(count(text, "kac.divergence"), 2);
}

TEST_F(ImportTest, derivativeByAnIntIsRefused) {
  FunctionBuilder f(model, "f", realType());
  int k = f.parameter("k", tokenType({}, 3));
  f.result(f.derivative(Op::Grad, realType(), k, {number(1)}));
  EXPECT_EQ(import(), "");
  EXPECT_THAT(message, HasSubstr("import of 'f': a derivative by a value of type token[3]"));
}

TEST_F(ImportTest, readBeforeAssignment) {
  FunctionBuilder f(model, "f", realType());
  f.result(f.get(f.slot("x", realType())));
  EXPECT_EQ(import(), "");
  EXPECT_THAT(message, HasSubstr("'x' is read before it is assigned"));
}

TEST_F(ImportTest, wrongTypesAreRefusedByTheVerifiers) {
  FunctionBuilder f(model, "f", realType());
  f.result(make(Op::Add, realType(), {f.get(f.parameter("x", realType())), number(1, intType())}));
  EXPECT_EQ(import(), "");
  EXPECT_THAT(message, HasSubstr("kac.add"));
}

TEST_F(ImportTest, aSumOfThousands) {
  FunctionBuilder f(model, "f", realType());
  ExprPtr sum = f.get(f.parameter("x", realType()));
  for (int i = 0; i < 20000; ++i)
    sum = make(Op::Add, realType(), {sum, number(1)});
  f.result(sum);
  EXPECT_EQ(count(import(), "kac.add"), 20000);
  EXPECT_EQ(count(printModel(model), " + 1.0"), 20000);
}

TEST_F(ImportTest, placesInTheText) {
  auto source = std::make_shared<Source>("m.dsl", "fn f(x : real) -> real =\n  x + 1\n");
  FunctionBuilder f(model, "f", realType());
  auto sum = make(Op::Add, realType(), {f.get(f.parameter("x", realType())), number(1)});
  sum->span = {source.get(), 27, 32};
  f.result(sum);
  mlir::OwningOpRef<mlir::ModuleOp> module = importModel(model, context);
  ASSERT_TRUE(module);
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream, mlir::OpPrintingFlags().enableDebugInfo(true, true));
  EXPECT_THAT(text, HasSubstr("kac.add %arg0, %cst : (f64, f64) -> f64 m.dsl:2:3")) << text;
}

TEST_F(ImportTest, samplersTestsAndFields) {
  Type state = tuple({{"x", realType()}, {"v", realType()}});
  FunctionBuilder init(model, "s.init", state), time(model, "s.time", realType()), output(model, "s.output", state);
  FunctionBuilder other(model, "s.drift.2", state), drift(model, "s.drift", state), holds(model, "t", boolType());
  init.parameter("i", intType());
  Statement weigh = makeStatement(Statement::Kind::Weigh), require = makeStatement(Statement::Kind::Require);
  weigh.value = number(1);
  require.condition = number(1, boolType());
  require.text = "holds";
  init.add(weigh);
  init.add(require);
  init.result(make(Op::Tuple, state, {make(Op::Cast, realType(), {make(Op::Particles, intType())}), number(0)}));
  time.result(time.get(time.parameter("u", realType())));
  for (FunctionBuilder *each : {&output, &other, &drift})
    each->result(each->get(each->parameter("x", state)));
  output.result(call(drift.function, {output.get(output.function.parameters[0])}));
  drift.function.kind = "sampler";
  drift.function.field = "drift";
  drift.function.structure = "s";
  drift.function.alternatives = {&other.function};
  drift.function.when = &holds.function;
  holds.result(number(1, boolType()));
  Sampler &sampler = model.samplers.emplace_back();
  sampler.name = "s";
  sampler.state = state;
  sampler.init = &init.function;
  sampler.time = &time.function;
  sampler.output = &output.function;
  sampler.drift = &drift.function;
  sampler.weighted = false;
  sampler.monitors = {{"m", &output.function}};
  model.stem = "demo";
  model.tests.push_back({"it holds", {}, &holds.function});
  model.requires_.push_back({&holds.function, "", "E0405", "it must", {}});
  std::string text = import();
  EXPECT_EQ(message, "");
  EXPECT_THAT(text, HasSubstr("module @demo"));
  EXPECT_THAT(text, HasSubstr("output_names = [\"x.x\", \"x.v\"]"));
  EXPECT_THAT(text, HasSubstr("kac.alternatives = [@s.drift.2], kac.field = \"drift\", kac.kind = \"sampler\", "
                              "kac.structure = \"s\", kac.when = @t"));
  for (const char *part : {"kac.test @t \"it holds\"", "kac.require_inputs @t \"E0405: it must\"", "kac.weigh",
                           "kac.require %true", "kac.particles", "unweighted", "monitors = [@s.output]"})
    EXPECT_THAT(text, HasSubstr(part)) << text;

  std::string printed = printModel(model);
  EXPECT_THAT(printed, HasSubstr("sampler s {\n  particles = 1024\n  steps = 100\n  time(u) -> real = u\n"));
  EXPECT_THAT(printed, HasSubstr("  init(i) -> (x : real, v : real) {\n    weigh 1.0\n    demand(true)\n"
                                 "    (x = as_real(particles), v = 0.0)\n  }\n"));
  EXPECT_THAT(printed, HasSubstr("\ndensity demand(holds : bool) {\n  require holds, \"holds\"\n}\n"));
  EXPECT_THAT(printed, HasSubstr("  monitor(x, t, n) = (m = s_output(x, t, n))\n"));
  EXPECT_THAT(printed, HasSubstr("/// The field `drift` of the sampler `s`.\n"
                                 "fn s_drift(x : (x : real, v : real)) -> (x : real, v : real) {\n"
                                 "  if t(x) { x } else { s_drift_2(x) }\n}\n"));
}

} // namespace
