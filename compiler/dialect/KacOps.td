// The kac dialect: one operation for one thing of the checked model, over scalars and tensors of f64, i32 and i1.
// Values are those of one lineage (or, in resample, of the population: extent `?`). A tuple is several values.
// Functions are func.func, with the attributes kac.kind, kac.field, kac.structure, kac.alternatives, kac.when where they
// are a field of a structure.
#ifndef KAC_OPS
#define KAC_OPS

include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def KacDialect : Dialect {
  let name = "kac";
  let cppNamespace = "::kac::ir";
  let summary = "steered generative samplers, one lineage at a time";
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let hasConstantMaterializer = 1;
  let hasCanonicalizer = 1; // all patterns are in Canonicalize.cpp
}

class KacOp<string mnemonic, list<Trait> traits = []> : Op<KacDialect, mnemonic, traits>;

def KacReal : AnyTypeOf<[F64, TensorOf<[F64]>], "a real or an array of reals">;
def KacInt : AnyTypeOf<[I32, TensorOf<[I32]>], "an int or an array of ints">;
def KacBool : AnyTypeOf<[I1, TensorOf<[I1]>], "a bool or an array of bools">;
def KacNumber : AnyTypeOf<[F64, I32, TensorOf<[F64, I32]>], "numbers">;
def KacValue : AnyTypeOf<[F64, I32, I1, TensorOf<[F64, I32, I1]>], "a scalar or an array">;

// --- inputs and constants (scalar literals are arith.constant) ---

def DeclareInputOp : KacOp<"declare_input", [Symbol]> {
  let summary = "a param (settable) or data (from a file): the same for all lineages";
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, UnitAttr:$is_data, AnyAttr:$value);
  let assemblyFormat = "(`data` $is_data^)? $sym_name `:` $type `=` $value attr-dict";
  let hasVerifier = 1;
}

def InputOp : KacOp<"input", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of an input";
  let arguments = (ins FlatSymbolRefAttr:$input);
  let results = (outs KacValue:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}


def ParticlesOp : KacOp<"particles", [Pure]> {
  let summary = "the number of lineages of the run";
  let results = (outs I32:$result);
  let assemblyFormat = "attr-dict";
}
def RequireInputsOp : KacOp<"require_inputs"> {
  let summary = "the function must give true when an instance is created, else its text is said";
  let description = [{Of no arguments, or of each step its time (and its number). With a sampler: of that alone.}];
  let arguments = (ins FlatSymbolRefAttr:$function, OptionalAttr<FlatSymbolRefAttr>:$sampler, StrAttr:$text);
  let assemblyFormat = "$function (`on` $sampler^)? $text attr-dict";
}
def TestOp : KacOp<"test"> {
  let summary = "the function, of no arguments, must give true under `kacc test`";
  let arguments = (ins FlatSymbolRefAttr:$function, StrAttr:$text);
  let assemblyFormat = "$function $text attr-dict";
}

// --- elementwise: shapes of operands are suffixes of the result's shape; a shorter one repeats along leading axes ---

// elementwise_c1: operand shapes are suffixes of the longest, which is the result's
def ElementwiseShapes : NativeOpTrait<"ElementwiseShapes"> {
  let cppNamespace = "::kac::ir";
}
class Elementwise<string mnemonic, list<Trait> traits = []>
    : KacOp<mnemonic, !listconcat([Pure, ElementwiseShapes], traits)> {
}
class Unary<string mnemonic, TypeConstraint type, list<Trait> traits = []>
    : Elementwise<mnemonic, !listconcat([SameOperandsAndResultElementType], traits)> {
  let arguments = (ins type:$operand);
  let results = (outs type:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `->` type($result)";
  let hasFolder = 1;
}
class Binary<string mnemonic, TypeConstraint type, list<Trait> traits = []>
    : Elementwise<mnemonic, !listconcat([SameOperandsAndResultElementType], traits)> {
  let hasFolder = 1;
  let arguments = (ins type:$lhs, type:$rhs);
  let results = (outs type:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` `(` type($lhs) `,` type($rhs) `)` `->` type($result)";
}
def AddOp : Binary<"add", KacNumber, [Commutative]>;
def SubOp : Binary<"sub", KacNumber>;
// Not Commutative, which would move constants to the right: a literal 0 on the left makes the product 0, whatever stands
// on the right; on the right it does not.
def MulOp : Binary<"mul", KacNumber>;
def DivOp : Binary<"div", KacReal>;
def PowOp : Binary<"pow", KacReal> { let summary = "x^y; a constant integral y allows any x"; }
def RemainderOp : Binary<"remainder", KacInt> { let summary = "a % b, rounded down: the sign of b"; }
def AndOp : Binary<"and", KacBool, [Commutative]>;
def OrOp : Binary<"or", KacBool, [Commutative]>;
def NegOp : Unary<"neg", KacNumber>;
def NotOp : Unary<"not", KacBool>;
def CompareOp : Elementwise<"compare", [AllElementTypesMatch<["lhs", "rhs"]>]> {
  let hasFolder = 1;
  let hasVerifier = 1;
  let summary = "predicate is one of eq ne lt le; with NaN all but ne are false";
  let arguments = (ins StrAttr:$predicate, KacValue:$lhs, KacValue:$rhs);
  let results = (outs KacBool:$result);
  let assemblyFormat = "$predicate $lhs `,` $rhs attr-dict `:` `(` type($lhs) `,` type($rhs) `)` `->` type($result)";
}
def SelectOp : Elementwise<"select", [AllElementTypesMatch<["onTrue", "onFalse", "result"]>]> {
  let hasFolder = 1;
  let arguments = (ins KacBool:$condition, KacValue:$onTrue, KacValue:$onFalse);
  let results = (outs KacValue:$result);
  let assemblyFormat = [{$condition `,` $onTrue `,` $onFalse attr-dict `:`
    `(` type($condition) `,` type($onTrue) `,` type($onFalse) `)` `->` type($result)}];
}
def CastOp : Elementwise<"cast"> {
  let hasFolder = 1;
  let summary = "int to real";
  let arguments = (ins KacInt:$operand);
  let results = (outs KacReal:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `->` type($result)";
}
def PrimitiveOp : Elementwise<"primitive"> {
  let hasFolder = 1;
  let hasVerifier = 1;
  let summary = "an elementwise operation named by the prelude: an upstream one (math.exp) or one that lower expands (kac.lgamma)";
  let description = [{`derivatives`, where given, holds for each operand the symbol of the function of all operands that is
    the partial derivative by it, or unit where that is zero.}];
  let arguments = (ins StrAttr:$name, Variadic<KacValue>:$operands, OptionalAttr<ArrayAttr>:$derivatives);
  let results = (outs KacValue:$result);
  let assemblyFormat = "$name `(` $operands `)` (`by` $derivatives^)? attr-dict `:` functional-type($operands, $result)";
}

// --- arrays ---

def WholeOp : KacOp<"whole", [Pure]> {
  let summary = "an operation on whole arrays";
  let description = [{kac.sum kac.product kac.max kac.min kac.largest kac.smallest kac.any kac.all kac.mean (all axes to a scalar; of nothing: 0 1
    -inf inf false true NaN), kac.argmax kac.cumsum kac.sort (one axis), kac.search (sorted c, u: the first k with c[k] > u,
    or the last k; elementwise over an array u), kac.quotient is a primitive.}];
  let arguments = (ins StrAttr:$name, Variadic<KacValue>:$operands);
  let results = (outs KacValue:$result);
  let assemblyFormat = "$name `(` $operands `)` attr-dict `:` functional-type($operands, $result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}
def StackOp : KacOp<"stack", [Pure]> {
  let summary = "operands of one type along a new first axis";
  let arguments = (ins Variadic<KacValue>:$operands);
  let results = (outs KacValue:$result);
  let assemblyFormat = "$operands attr-dict `:` functional-type($operands, $result)";
  let hasVerifier = 1;
}
def RepeatOp : KacOp<"repeat", [Pure]> {
  let summary = "the operand along new leading axes";
  let arguments = (ins KacValue:$operand);
  let results = (outs KacValue:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}
def ConcatOp : KacOp<"concat", [Pure]> {
  let summary = "joins along the last axis";
  let arguments = (ins KacValue:$lhs, KacValue:$rhs);
  let results = (outs KacValue:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` `(` type($lhs) `,` type($rhs) `)` `->` type($result)";
  let hasVerifier = 1;
}
def ExtractOp : KacOp<"extract", [Pure]> {
  let summary = "array[indices]: the leading axes; without `in_range` an index outside makes the lineage not finite (NaN)";
  let arguments = (ins KacValue:$array, Variadic<I32>:$indices, UnitAttr:$in_range);
  let results = (outs KacValue:$result);
  let assemblyFormat = "$array `[` $indices `]` (`in_range` $in_range^)? attr-dict `:` type($array) `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}
def InsertOp : KacOp<"insert", [Pure, AllTypesMatch<["array", "result"]>]> {
  let summary = "array with [indices] replaced by value";
  let arguments = (ins KacValue:$value, KacValue:$array, Variadic<I32>:$indices, UnitAttr:$in_range);
  let results = (outs KacValue:$result);
  let assemblyFormat = [{$value `into` $array `[` $indices `]` (`in_range` $in_range^)? attr-dict `:`
    type($value) `into` type($array)}];
  let hasVerifier = 1;
}

// --- regions; each ends in kac.yield, and may use values from around it ---

def YieldOp : KacOp<"yield", [Pure, Terminator]> {
  let arguments = (ins Variadic<KacValue>:$operands);
  let assemblyFormat = "($operands^ `:` type($operands))? attr-dict";
}
def BuildOp : KacOp<"build", [RecursiveMemoryEffects, RecursivelySpeculatable, SingleBlock]> {
  let summary = "[body for indices in extents]: each result has the extents as leading axes, then those of what is yielded";
  let description = [{The block has one i32 argument an extent. An extent of -1 is the number of lineages (`?`).}];
  let arguments = (ins DenseI64ArrayAttr:$extents);
  let results = (outs Variadic<KacValue>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$extents $body attr-dict `:` type($results)";
  let hasVerifier = 1;
}
def ReduceOp : KacOp<"reduce", [RecursiveMemoryEffects, RecursivelySpeculatable, SingleBlock]> {
  let summary = "kac.sum, product, max, min, any, all or mean over index in lower..upper of what is yielded, elementwise";
  let description = [{A second yielded value, i1, is a filter. Bounds may be run-time values.}];
  let arguments = (ins StrAttr:$name, I32:$lower, I32:$upper);
  let results = (outs KacValue:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$name $lower `to` $upper $body attr-dict `:` type($result)";
  let hasVerifier = 1;
}
def IfOp : KacOp<"if", [RecursiveMemoryEffects, SingleBlock]> {
  let summary = "one of two regions; lineages may differ";
  let arguments = (ins I1:$condition);
  let results = (outs Variadic<KacValue>:$results);
  let regions = (region SizedRegion<1>:$onTrue, SizedRegion<1>:$onFalse);
  let assemblyFormat = "$condition $onTrue `else` $onFalse attr-dict (`:` type($results)^)?";
  let hasVerifier = 1;
}
def LoopOp : KacOp<"loop", [RecursiveMemoryEffects]> {
  let summary = "for index in lower..upper, while condition: carried values";
  let description = [{Both regions have the index and the carried values as arguments. `condition` (may be empty) yields one i1
    and is asked before each turn; `body` yields the carried values.}];
  let arguments = (ins I32:$lower, I32:$upper, Variadic<KacValue>:$inits);
  let results = (outs Variadic<KacValue>:$results);
  let regions = (region MaxSizedRegion<1>:$condition, SizedRegion<1>:$body);
  let assemblyFormat = [{$lower `to` $upper (`init` `(` $inits^ `:` type($inits) `)`)? `while` $condition `do` $body
    attr-dict (`:` type($results)^)?}];
  let hasVerifier = 1;
}

// --- effects ---

def RandomOp : KacOp<"random", [MemoryEffects<[MemRead]>]> {
  let summary = "one number of kac.uniform or kac.normal, addressed by (seed, lineage, step, site, index)";
  let description = [{The index is row-major in `indices` over `extents`. The same address gives the same number, but the operation
    is not pure: the step is not an operand. It reads: an unused one goes, and none moves to another step.}];
  let arguments = (ins StrAttr:$name, I64Attr:$site, Variadic<I32>:$indices, DenseI64ArrayAttr:$extents);
  let results = (outs F64:$result);
  let assemblyFormat = "$name `site` $site `[` $indices `]` $extents attr-dict `:` type($result)";
  let hasVerifier = 1;
}
def WeighOp : KacOp<"weigh"> {
  let arguments = (ins F64:$value);
  let assemblyFormat = "$value attr-dict";
}
def RequireOp : KacOp<"require"> {
  let arguments = (ins I1:$condition, StrAttr:$text);
  let assemblyFormat = "$condition `,` $text attr-dict";
}

// --- derivatives: gone after differentiate ---

def VariableOp : KacOp<"variable", [AllTypesMatch<["operand", "result"]>]> {
  let summary = "the operand, as a variable of its own that derivatives are taken by";
  let description = [{Not pure, so that two variables of one value stay two: each is made anew, as memory is.}];
  let arguments = (ins KacReal:$operand);
  let results = (outs Res<KacReal, "", [MemAlloc]>:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}
def GradOp : KacOp<"grad", [Pure, AllTypesMatch<["variable", "result"]>]> {
  let summary = "d value / d variable, through every operation between";
  let arguments = (ins F64:$value, KacReal:$variable);
  let results = (outs KacReal:$result);
  let assemblyFormat = "$value `by` $variable attr-dict `:` type($variable)";
}
def JvpOp : KacOp<"jvp", [Pure, AllTypesMatch<["value", "result"]>, AllTypesMatch<["variable", "direction"]>]> {
  let summary = "the derivative of value as variable moves along direction";
  let arguments = (ins KacReal:$value, KacReal:$variable, KacReal:$direction);
  let results = (outs KacReal:$result);
  let assemblyFormat = "$value `by` $variable `along` $direction attr-dict `:` type($value) `by` type($variable)";
}
def DivergenceOp : KacOp<"divergence", [Pure, AllTypesMatch<["value", "variable"]>]> {
  let summary = "sum over i of d value_i / d variable_i";
  let arguments = (ins KacReal:$value, KacReal:$variable);
  let results = (outs F64:$result);
  let assemblyFormat = "$value `by` $variable attr-dict `:` type($value)";
}
def LaplacianOp : KacOp<"laplacian", [Pure]> {
  let arguments = (ins F64:$value, KacReal:$variable);
  let results = (outs F64:$result);
  let assemblyFormat = "$value `by` $variable attr-dict `:` type($variable)";
}
def StopOp : KacOp<"stop", [Pure, AllTypesMatch<["operand", "result"]>]> {
  let summary = "the operand, with derivative zero";
  let arguments = (ins KacValue:$operand);
  let results = (outs KacValue:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand)";
}

// --- what is not there: gone after derive ---

def MissingOp : KacOp<"missing", [Pure]> {
  let summary = "the value of a field that a structure does not have: refused where derivation leaves a use of it";
  let arguments = (ins StrAttr:$text);
  let results = (outs KacReal:$result);
  let assemblyFormat = "$text attr-dict `:` type($result)";
}

// --- samplers ---

def SamplerOp : KacOp<"sampler", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the entry functions of one sampler, as listed in dsl/Model.h (Sampler), and its settings";
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$particles, I64Attr:$steps, UnitAttr:$steps_fixed,
    FlatSymbolRefAttr:$init, OptionalAttr<FlatSymbolRefAttr>:$step, FlatSymbolRefAttr:$time,
    OptionalAttr<FlatSymbolRefAttr>:$resample, OptionalAttr<FlatSymbolRefAttr>:$when, FlatSymbolRefAttr:$output,
    StrArrayAttr:$output_names, ArrayAttr:$monitors, StrArrayAttr:$monitor_names,
    OptionalAttr<FlatSymbolRefAttr>:$drift, OptionalAttr<FlatSymbolRefAttr>:$rate, UnitAttr:$unweighted);
  let assemblyFormat = "$sym_name attr-dict";
}

#endif
