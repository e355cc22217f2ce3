// Declarations of the grammar, with their formals and fields.
#include "dsl/GrammarRules.h"

#include <algorithm>
#include <array>

namespace kac::grammar {

// NOLINTBEGIN(readability-identifier-naming): the definition of a rule ends in _def by the macro that looks for it

static constexpr std::array<std::string_view, 9> declaringNames = {"import",  "alphabet", "const", "data", "param",
                                                                   "weights", "network",  "kind",  "test"};
static bool beginsOther(const Token *t) {
  return std::find(declaringNames.begin(), declaringNames.end(), t->text) != declaringNames.end();
}
static constexpr Ahead otherDeclaration{beginsOther};
static constexpr Ahead freeName{beginsOther, false, "a name that begins no other declaration"};

const auto size = named(NodeKind::Size)[kept("..") >> name | name];
const auto sizes_def = node(NodeKind::Sizes)[sign("[") >> size % sign(",") >> sign("]")];

const auto names_def = node(NodeKind::Names)[sign("(") >> name % sign(",") >> sign(")")];
const auto formal = named(
    NodeKind::Formal)[(name >> none | unnamed >> names) >> optional(sign(":") >> type) >> optional(sign("=") >> expr)];
const auto formalList = formal % sign(",");
const auto formals_def =
    node(NodeKind::Formals)[sign("(") >> node(NodeKind::FormalList)[-formalList] >>
                            node(NodeKind::FormalList)[-cut[sign(";") >> formalList]] >> sign(")")];

const auto body = sign("=") >> expr | block;
const auto result = optional(sign("->") >> type);
const auto require = node(NodeKind::Require)[word("require") >> condition >> sign(",") >> string];

const auto fieldValue = sign("=") >> expr >> optional(word("when") >> expr) | block >> none | none >> none;
const auto field =
    require |
    named(NodeKind::Field)[name >> optional(formals) >> optional((kept(":") | kept("->")) >> type) >> fieldValue];
const auto fields_def =
    node(NodeKind::Fields)[sign("{") >> -separator >> -(field >> *(separator >> field) >> -separator) >> sign("}")];

const auto param_def =
    named(NodeKind::Param)[word("param") >> name >> sign(":") >> type >> (kept("=") | kept("~")) >> expr];

const auto importing = named(NodeKind::Import)[word("import") >> string >> optional(word("as") >> name)];
const auto alphabet = named(NodeKind::Alphabet)[word("alphabet") >> name >> sign("=") >> string];
const auto constant = named(NodeKind::Const)[word("const") >> name >> optional(sign(":") >> type) >> sign("=") >> expr];
const auto data =
    named(NodeKind::Data)[word("data") >> name >> optional(sizes) >> sign(":") >> type >> sign("=") >> string];
const auto weights = named(NodeKind::Weights)[word("weights") >> name >> sign("=") >> string];
const auto function = named(NodeKind::Fn)[word("fn") >> name >> optional(sizes) >> formals >> result >> optional(body)];
const auto network =
    named(NodeKind::Network)[word("network") >> name >>
                             (kept("=") >> expr | optional(sizes) >> formals >> optional(formals) >> result >> body)];
const auto kind =
    named(NodeKind::Kind)[word("kind") >> freeName >> name >>
                          (sign("=") >> name >> Becomes(NodeKind::KindAlias) | optional(sizes) >> fields)];
const auto test = node(NodeKind::Test)[word("test") >> string >> sign("=") >> expr];
const auto structure =
    node(NodeKind::Structure, Layout::KindNamed)[!otherDeclaration >> name >> name >> optional(sizes) >>
                                                 optional(formals) >> (sign("=") >> expr | fields)];

const auto declaration_def = deep("a declaration")[importing | alphabet | constant | data | param | weights | function |
                                                   network | kind | test | require | structure];

// NOLINTEND(readability-identifier-naming)

BOOST_SPIRIT_DEFINE(declaration, param, sizes, formals, names, fields)
BOOST_SPIRIT_INSTANTIATE(decltype(declaration), TokenIterator, x3::unused_type)
BOOST_SPIRIT_INSTANTIATE(decltype(param), TokenIterator, x3::unused_type)
BOOST_SPIRIT_INSTANTIATE(decltype(sizes), TokenIterator, x3::unused_type)
BOOST_SPIRIT_INSTANTIATE(decltype(formals), TokenIterator, x3::unused_type)
BOOST_SPIRIT_INSTANTIATE(decltype(names), TokenIterator, x3::unused_type)
BOOST_SPIRIT_INSTANTIATE(decltype(fields), TokenIterator, x3::unused_type)

} // namespace kac::grammar
