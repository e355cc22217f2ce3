// Types and extents of the grammar.
#include "dsl/GrammarRules.h"

namespace kac::grammar {

// NOLINTBEGIN(readability-identifier-naming): the definition of a rule ends in _def by the macro that looks for it

struct ExtentId;
const x3::rule<ExtentId> extent = "extent";

/// A tuple type has a comma directly inside its brackets, an extent in brackets has none.
static bool beginsBracketedExtent(const Token *t) { return t->is("(") && !t->comma; }
static constexpr Ahead bracketedExtent{beginsBracketedExtent};

const auto component = named(NodeKind::Component)[(cut[name >> sign(":")] | unnamed) >> type];
const auto extents = sign("[") >> extent % sign(",") >> sign("]");

const auto type_def = deep("a type")
    [node(NodeKind::TypeFn)[word("fn") >> sign("(") >> -(type % sign(",")) >> sign(")") >> sign("->") >> type] |
     node(NodeKind::TypeTuple)[sign("(") >> component >> +(sign(",") >> component) >> sign(")")] |
     named(NodeKind::TypeName)[name >> -cut[extents]] >> *node(NodeKind::TypeArray, Layout::Wrapping)[extents]];

const auto atom = literal(TokenKind::Int, "a number", NodeKind::Int) |
                  bracketedExtent >> sign("(") >> extent >> sign(")") | !bracketedExtent >> type;
const auto product = chain[atom >> *cut[(infix("*") | infix("/")) >> atom]];

const auto extent_def = deep("a size")[named(NodeKind::ExtentRest)[sign("..") >> name] |
                                       chain[product >> *cut[(infix("+") | infix("-")) >> product]]];

// NOLINTEND(readability-identifier-naming)

BOOST_SPIRIT_DEFINE(type, extent)
BOOST_SPIRIT_INSTANTIATE(decltype(type), TokenIterator, x3::unused_type)

} // namespace kac::grammar
