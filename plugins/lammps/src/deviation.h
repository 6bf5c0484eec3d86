// SPDX-License-Identifier: GPL-2.0-only
// How far several models are apart, and the file that says it.

#ifndef DPSE_DEVIATION_H
#define DPSE_DEVIATION_H

#include "lmptype.h"
#include "options.h"

#include <cstdio>
#include <mpi.h>
#include <string>
#include <vector>

namespace dpse {

class DeviationFile {
 public:
  DeviationFile() = default;
  DeviationFile(const DeviationFile &) = delete;
  DeviationFile &operator=(const DeviationFile &) = delete;
  ~DeviationFile();

  // On the first rank; false if the file cannot be written. One that is open goes on.
  bool open(const Options &options, bool append);

  // Collective. forces: of each model 3 n_local numbers, complete; virials: of each
  // model 9 numbers, this rank's part. Units of the run.
  void write(MPI_Comm world, const Options &options, LAMMPS_NS::bigint step,
             LAMMPS_NS::bigint n_atoms, int n_local, const LAMMPS_NS::tagint *tags,
             const std::vector<std::vector<double>> &forces,
             const std::vector<std::vector<double>> &virials);

 private:
  FILE *file_ = nullptr;
  std::string name_;
};

}    // namespace dpse

#endif
