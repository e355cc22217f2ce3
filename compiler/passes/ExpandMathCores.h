// Parts that several elementary functions share, as formulas.
#pragma once

#include "compiler/passes/Formula.h"

namespace kac {

/// x = n log 2 + r with |r| <= log(2) / 2; `scale` holds n in its low bits.
struct Reduced {
  Term r, scale;
};
Reduced reduceByLog2(Term x);
/// e^x for x in the range of normal results.
Term expCore(Term x);
Term expOf(Term x);
/// log x for normal x > 0.
Term logCore(Term x);
Term logOf(Term x);

Term powOf(Term x, Term y);
Term lgammaOf(Term x);
Term digammaOf(Term x);
Term trigammaOf(Term x);

} // namespace kac
