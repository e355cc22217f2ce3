// Expressions of the grammar.
#include "dsl/GrammarRules.h"

namespace kac::grammar {

// NOLINTBEGIN(readability-identifier-naming): the definition of a rule ends in _def by the macro that looks for it

struct UnaryId;
struct PostfixId;
struct ConditionalId;
const x3::rule<UnaryId> unary = "unary";
const x3::rule<PostfixId> postfix = "postfix";
const x3::rule<ConditionalId> conditional = "conditional";

/// `name =`, or `name (...) =`.
static bool beginsNamedArgument(const Token *t) {
  return t->kind == TokenKind::Name && (t[1].is("=") || (t[1].is("(") && t[1 + t[1].partner + 1].is("=")));
}
static constexpr Ahead namedArgument{beginsNamedArgument};

const auto generator = named(NodeKind::Generator)[word("for") >> name >> word("in") >> range];
const auto generators = node(NodeKind::Generators)[+generator >> -node(NodeKind::Filter)[word("if") >> condition]];

const auto argumentValue =
    (namedArgument >> name >> optional(names) >> sign("=") >> expr) | (!namedArgument >> unnamed >> none >> expr);
const auto argument = named(NodeKind::Argument)[argumentValue >> none];
const auto firstArgument = named(NodeKind::Argument)[argumentValue >> optional(generators)];
const auto call = node(NodeKind::Call)[suffix("(") >> -(firstArgument >> *(sign(",") >> argument)) >> sign(")")];

const auto item =
    node(NodeKind::Slice)[sign("..") >> none >> none] | collapsed(NodeKind::Slice)[expr >> -cut[sign("..") >> expr]];
const auto subscript_def = node(NodeKind::Index)[suffix("[") >> item % sign(",") >> sign("]")];

const auto primary =
    literal(TokenKind::Int, "a number", NodeKind::Int) | literal(TokenKind::Real, "a number", NodeKind::Real) | string |
    OneToken(TokenKind::Word, "true", {"true"}, NodeKind::True) |
    OneToken(TokenKind::Word, "false", {"false"}, NodeKind::False) | name |
    node(NodeKind::Tuple)[sign("(") >> argument % sign(",") >> sign(")")] |
    node(NodeKind::Array)[sign("[") >>
                          -(expr >> (generators >> Becomes(NodeKind::ArrayComprehension) | *(sign(",") >> expr))) >>
                          sign("]")] |
    conditional;

const auto postfix_def =
    collapsed(NodeKind::Postfix)[primary >> *(call | subscript | named(NodeKind::Member)[suffix(".") >> name])];

const auto operand = deep("an expression")[unary];
const auto power = collapsed(NodeKind::Power)[postfix >> -cut[suffix("^") >> operand]];
const auto unary_def = within("an expression")[node(NodeKind::Unary)[(kept("-") | kept("!")) >> operand] | power];

const auto term = chain[unary >> *cut[(infix("*") | infix("/") | infix("%")) >> unary]];
const auto sum = chain[term >> *cut[(infix("+") | infix("-")) >> term]];
const auto joined = chain[sum >> *cut[infix("++") >> sum]];
const auto comparison = infix("==") | infix("!=") | infix("<=") | infix(">=") | infix("<") | infix(">");
const auto relation = chain[joined >> -cut[comparison >> joined]];
const auto all = chain[relation >> *cut[infix("&&") >> relation]];
const auto condition_def = chain[all >> *cut[infix("||") >> all]];

const auto body = sign("=") >> expr | block;
const auto oneField = node(NodeKind::Fields)[named(NodeKind::Field)[name >> optional(formals) >> none >> body >> none]];
const auto expr_def = deep("an expression")[collapsed(
    NodeKind::With)[condition >> -cut[word("with") >> (fields | Push(NodeKind::Operator, "=") >> oneField)]]];

const auto range_def = collapsed(NodeKind::Range)[condition >> -cut[sign("..") >> condition]];

const auto conditional_def =
    node(NodeKind::If)[word("if") >> deep("an expression")[condition] >> block >>
                       *cut[word("else") >> word("if") >> condition >> block] >> -cut[word("else") >> block]];

// NOLINTEND(readability-identifier-naming)

BOOST_SPIRIT_DEFINE(expr, condition, range, subscript, unary, postfix, conditional)
BOOST_SPIRIT_INSTANTIATE(decltype(expr), TokenIterator, x3::unused_type)
BOOST_SPIRIT_INSTANTIATE(decltype(condition), TokenIterator, x3::unused_type)
BOOST_SPIRIT_INSTANTIATE(decltype(range), TokenIterator, x3::unused_type)
BOOST_SPIRIT_INSTANTIATE(decltype(subscript), TokenIterator, x3::unused_type)

} // namespace kac::grammar
