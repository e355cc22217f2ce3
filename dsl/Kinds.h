// The rows of Kinds.def as names: kinds::density, fields::logp; and what the algebra of targets offers beside them.
#pragma once

#include <string>

namespace kac {

namespace kinds {
#define KAC_KIND(kind) inline const std::string kind = #kind;
#define KAC_FIELD(kind, field, may)
#include "dsl/Kinds.def"
#undef KAC_KIND
#undef KAC_FIELD
/// The parameter of a kind that is the type of its values, and the time among the parameters of its fields.
inline const std::string kState = "T", kTime = "t";
} // namespace kinds

namespace fields {
#define KAC_KIND(kind)
#define KAC_FIELD(kind, field, may) inline const std::string field = #field;
#include "dsl/Kinds.def"
#undef KAC_KIND
#undef KAC_FIELD

/// What evaluating a field may do beside giving its value; each includes those before it.
enum class May { Nothing, Draw, Weigh };
inline May mayDo(const std::string &kindName, const std::string &fieldName) {
#define KAC_KIND(kind)
#define KAC_FIELD(kind, field, may)                                                                                    \
  if (kindName == #kind && fieldName == #field)                                                                        \
    return May::may;
#include "dsl/Kinds.def"
#undef KAC_KIND
#undef KAC_FIELD
  return May::Nothing;
}

inline const std::string experts = "experts", sole = "sole", opening = "opening";
} // namespace fields

} // namespace kac
