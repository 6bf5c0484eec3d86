// SPDX-License-Identifier: GPL-2.0-only
// LAMMPS' neighbour list as the engine takes it.

#ifndef DPSE_LIST_ROWS_H
#define DPSE_LIST_ROWS_H

#include <cstdint>
#include <vector>

namespace LAMMPS_NS {
class Atom;
class NeighList;
class Neighbor;
}    // namespace LAMMPS_NS

namespace dpse {

class ListRows {
 public:
  std::vector<int> centres, neighbours, types;
  std::vector<int64_t> ids;      // of atoms; empty where they have none
  std::vector<int64_t> first;    // of each row, and the end

  // Copies the list unless it is the one copied last, with the same types of atoms:
  // fixes that swap types keep the list. Returns a number that is another after each
  // copy. Atoms of types t with not counts[t] are left out.
  int64_t update(LAMMPS_NS::Neighbor *neighbor, LAMMPS_NS::NeighList *list,
                 const LAMMPS_NS::Atom *atom, const std::vector<bool> &counts);
  void forget() { list_ = nullptr; }
  double bytes() const;

 private:
  void copy(LAMMPS_NS::NeighList *list, const std::vector<bool> &counts);

  LAMMPS_NS::NeighList *list_ = nullptr;
  int64_t builds_ = -1, copies_ = 0;
};

}    // namespace dpse

#endif
