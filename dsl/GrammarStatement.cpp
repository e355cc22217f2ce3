// Blocks and statements of the grammar.
#include "dsl/GrammarRules.h"

namespace kac::grammar {

// NOLINTBEGIN(readability-identifier-naming): the definition of a rule ends in _def by the macro that looks for it

struct StatementId;
const x3::rule<StatementId> statement = "statement";

/// `name [...] =`.
static bool beginsElement(const Token *t) {
  return t->kind == TokenKind::Name && t[1].is("[") && t[1 + t[1].partner + 1].is("=");
}
/// `(...) =`.
static bool beginsTuple(const Token *t) { return t->is("(") && t[t->partner + 1].is("="); }
static constexpr Ahead element{beginsElement};
static constexpr Ahead tuple{beginsTuple};

const auto loop =
    named(NodeKind::For)[word("for") >> name >> word("in") >> range >> optional(word("while") >> condition) >> block];
const auto binding = named(NodeKind::Assign)[name >> optional(sign(":") >> type) >>
                                             (sign("=") | sign("~") >> Becomes(NodeKind::Draw)) >> expr];

const auto statement_def =
    deep("a statement")[node(NodeKind::Weigh)[word("weigh") >> expr] | loop |
                        element >> named(NodeKind::AssignElement)[name >> subscript >> sign("=") >> expr] |
                        tuple >> node(NodeKind::AssignTuple)[names >> sign("=") >> expr] |
                        !element >> !tuple >> (param | binding | expr)];

const auto block_def =
    node(NodeKind::Block)[sign("{") >> -separator >> statement >> *(separator >> statement) >> -separator >> sign("}")];

// NOLINTEND(readability-identifier-naming)

BOOST_SPIRIT_DEFINE(statement, block)
BOOST_SPIRIT_INSTANTIATE(decltype(block), TokenIterator, x3::unused_type)

} // namespace kac::grammar
