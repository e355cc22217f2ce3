// What a run left in, a picture as SVG out: the samples beside effective sample size and log Z over the steps.
#pragma once

#include "compiler/run/Samples.h"

#include <ostream>

namespace kac {

void writePlot(std::ostream &out, const Samples &samples);

} // namespace kac
