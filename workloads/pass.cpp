// How passes are put together (workloads/layer_times.h).
#include "sim/base/error.h"
#include "workloads/layer_times.h"

namespace tenk {
namespace {

// May computation join what `pass` ends with? Not if that runs beside a collective.
bool joins(const Pass& pass) {
  if (pass.empty() || pass.back().communicates) return false;
  return pass.size() < 2 || !pass[pass.size() - 2].beside_next;
}

}  // namespace

void fail_too_long() {
  throw Error(ErrorKind::kInvalid, "one step would compute for longer than 10^6 s");
}

void append(Pass& pass, const Pass& more) {
  for (const Piece& piece : more) {
    if (!piece.communicates && joins(pass)) {
      if (pass.back().compute.s() + piece.compute.s() > kLongestStep) fail_too_long();
      pass.back().compute += piece.compute;
      pass.back().host += piece.host;
    } else {
      pass.push_back(piece);
    }
  }
}

}  // namespace tenk
