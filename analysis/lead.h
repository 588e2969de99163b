// Is one cluster really faster, or cheaper, than another, or is it within what we do not know?
//
// The intervals of two step times overlap widely, yet say little about their ratio: most of their
// width is how fast the kernels of the cards run, and both clusters have the same cards. So each
// uncertain number is moved in both predictions at once, the ratio is formed again, and the changes
// of the *ratio* are added in quadrature (linear propagation, as in analysis/interval.h). Numbers
// of the same name are the same number; others move alone. Prices likewise: a part of the same name
// (servers, transceivers) is dear in both clusters or in none.
#pragma once
#include "analysis/comparison.h"

namespace tenk {

// A lead that is smaller is none, whatever the interval: nobody plans a cluster by it, and the
// model (shared links, no packets) does not resolve it.
inline constexpr double kSmallestLead = 0.005;

// Of a's step time to b's.
Ratio step_ratio(const Prediction& a, const Prediction& b);
// Of a's cost of a token to b's; includes what is unknown about the step times. Falls back to
// capital cost times step time, for the same job, where a cost of tokens is not known.
Ratio token_cost_ratio(const Prediction& a, const Prediction& b);

// Is `ratio` below 1 by kSmallestLead, and its whole interval below 1?
bool leads(const Ratio& ratio);

}  // namespace tenk
