// The rules that more than one unit of the grammar uses; each unit defines those of its part.
#pragma once

#include "dsl/GrammarParsers.h"

namespace kac::grammar {

struct DeclarationId;
struct ParamId;
struct SizesId;
struct FormalsId;
struct NamesId;
struct FieldsId;
struct TypeId;
struct ExprId;
struct ConditionId;
struct RangeId;
struct IndexId;
struct BlockId;

const x3::rule<DeclarationId> declaration = "declaration";
const x3::rule<ParamId> param = "param";
const x3::rule<SizesId> sizes = "sizes";
const x3::rule<FormalsId> formals = "formals";
const x3::rule<NamesId> names = "names";
const x3::rule<FieldsId> fields = "fields";
const x3::rule<TypeId> type = "type";
const x3::rule<ExprId> expr = "expr";
const x3::rule<ConditionId> condition = "any"; // `any` of the grammar
const x3::rule<RangeId> range = "range";
const x3::rule<IndexId> subscript = "index"; // <strings.h> has an `index`
const x3::rule<BlockId> block = "block";

BOOST_SPIRIT_DECLARE(decltype(declaration), decltype(param), decltype(sizes), decltype(formals), decltype(names),
                     decltype(fields), decltype(type), decltype(expr), decltype(condition), decltype(range),
                     decltype(subscript), decltype(block))

} // namespace kac::grammar
