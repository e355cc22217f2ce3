// What a run left in; a summary for people, and one as JSON, out.
#pragma once

#include "compiler/run/Samples.h"

#include <ostream>

namespace kac {

void writeSummary(std::ostream &out, const Samples &samples);
void writeReport(std::ostream &out, const Samples &samples);

} // namespace kac
