// SPDX-License-Identifier: GPL-2.0-only
// The header of fix ttm is not among those that LAMMPS installs. What every fix can do
// is to write its part of a restart file: for these two it is the size in bytes, the
// cells along x, y, z, a seed and all temperatures.

#include "electrons.h"

#include "domain.h"
#include "fix.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace dpse {
namespace {

constexpr int HEAD = 4;    // numbers before the temperatures

std::vector<double> restart_numbers(LAMMPS_NS::Fix *fix, MPI_Comm world)
{
  char *text = nullptr;
  std::size_t size = 0;
  FILE *memory = open_memstream(&text, &size);
  if (!memory) throw std::invalid_argument("no memory for the electron temperatures");
  fix->write_restart(memory);    // all ranks take part, the first one writes
  fclose(memory);
  int count = size > sizeof(int) ? (int) ((size - sizeof(int)) / sizeof(double)) : 0;
  MPI_Bcast(&count, 1, MPI_INT, 0, world);
  std::vector<double> found(count);
  int me;
  MPI_Comm_rank(world, &me);
  if (me == 0 && count) std::memcpy(found.data(), text + sizeof(int), sizeof(double) * count);
  std::free(text);
  MPI_Bcast(found.data(), count, MPI_DOUBLE, 0, world);
  return found;
}

}    // namespace

Electrons::Electrons(LAMMPS_NS::Fix *fix, MPI_Comm world)
{
  if (std::strcmp(fix->style, "ttm") != 0 && std::strcmp(fix->style, "ttm/mod") != 0)
    throw std::invalid_argument(std::string("expected a fix of style ttm or ttm/mod, got ") +
                                fix->style);
  const std::vector<double> numbers = restart_numbers(fix, world);
  std::size_t cells = 1;
  for (int axis = 0; axis < 3; axis++) {
    n_[axis] = numbers.size() < HEAD ? 0 : (int) numbers[axis];
    cells *= n_[axis];
  }
  if (cells == 0 || numbers.size() != HEAD + cells)
    throw std::invalid_argument(std::string("fix ") + fix->style +
                                " of this LAMMPS does not write its grid as expected");
  temperatures_.assign(numbers.begin() + HEAD, numbers.end());
}

double Electrons::mean() const
{
  double sum = 0;
  int count = 0;
  for (double temperature : temperatures_) {
    sum += temperature;
    count += temperature != 0.0;
  }
  return count ? sum / count : 0.0;
}

double Electrons::at(const double *x, const LAMMPS_NS::Domain *domain) const
{
  int cell[3];
  for (int axis = 0; axis < 3; axis++) {
    const double fraction = (x[axis] - domain->boxlo[axis]) / domain->prd[axis];
    const int index = (int) std::floor(fraction * n_[axis]);
    cell[axis] = ((index % n_[axis]) + n_[axis]) % n_[axis];
  }
  return temperatures_[((std::size_t) cell[2] * n_[1] + cell[1]) * n_[0] + cell[0]];
}

}    // namespace dpse
