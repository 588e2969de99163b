// What does SimGrid say to a job, and what if its program is not there or dies?
//
// Starts tenk-simgrid, which stands beside the program that runs, hands it the job over a socket
// and takes the answer (protocol.h). The process has ended and is reaped on return, however that
// is.
#pragma once
#include "sim/engine/simgrid/protocol.h"

namespace tenk {

// Throws Error{kFile} if the helper is missing, cannot be started, dies, or says that it failed.
simgrid_protocol::Answer ask_simgrid(const simgrid_protocol::Job& job);

}  // namespace tenk
