// The rows of Kinds.def as names: kinds::density, fields::logp; and what the algebra of targets offers beside them.
#pragma once

#include <string>

namespace kac {

namespace kinds {
#define KAC_KIND(kind) inline const std::string kind = #kind;
#define KAC_FIELD(kind, field)
#include "dsl/Kinds.def"
#undef KAC_KIND
#undef KAC_FIELD
} // namespace kinds

namespace fields {
#define KAC_KIND(kind)
#define KAC_FIELD(kind, field) inline const std::string field = #field;
#include "dsl/Kinds.def"
#undef KAC_KIND
#undef KAC_FIELD
inline const std::string experts = "experts", sole = "sole", opening = "opening";
} // namespace fields

} // namespace kac
