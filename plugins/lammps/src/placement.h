// SPDX-License-Identifier: GPL-2.0-only
// Which processors and which GPU a rank takes.

#ifndef DPSE_PLACEMENT_H
#define DPSE_PLACEMENT_H

#include <mpi.h>
#include <string>

namespace dpse {

struct Placement {
  int threads;    // the rank's share of the processors that its node's ranks may use
  int rank;       // among those of the node
};

// Collective over the communicator. With several partitions, each of which has a
// communicator of its own, the launcher's variables say how many ranks a node has.
Placement place(MPI_Comm world, bool partitions);

// NVIDIA GPUs that the process may use, as far as the system says; 0 for none.
int count_gpus();

}    // namespace dpse

#endif
