// SPDX-License-Identifier: GPL-2.0-only
// Electron temperatures of fix ttm and fix ttm/mod.

#ifndef DPSE_ELECTRONS_H
#define DPSE_ELECTRONS_H

#include <mpi.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace LAMMPS_NS {
class Domain;
class Fix;
}    // namespace LAMMPS_NS

namespace dpse {

class Electrons {
 public:
  // Collective. Throws std::invalid_argument for a fix of another style.
  Electrons(LAMMPS_NS::Fix *fix, MPI_Comm world);

  double mean() const;    // K, of grid cells that have electrons (above 0)
  double at(const double *x, const LAMMPS_NS::Domain *domain) const;    // K

 private:
  int n_[3];    // cells along x, y, z
  std::vector<double> temperatures_;    // x is the fastest index
};

}    // namespace dpse

#endif
