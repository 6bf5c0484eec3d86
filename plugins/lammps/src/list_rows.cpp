// SPDX-License-Identifier: GPL-2.0-only

#include "list_rows.h"

#include "atom.h"
#include "neigh_list.h"
#include "neighbor.h"

#include <algorithm>

namespace dpse {

int64_t ListRows::update(LAMMPS_NS::Neighbor *neighbor, LAMMPS_NS::NeighList *list,
                         const LAMMPS_NS::Atom *atom, const std::vector<bool> &counts)
{
  const int *type = atom->type, n_all = atom->nlocal + atom->nghost;
  const bool same = list == list_ && neighbor->ago != 0 && neighbor->ncalls == builds_ &&
      (int) types.size() == n_all && std::equal(types.begin(), types.end(), type);
  if (same) return copies_;
  list_ = nullptr;
  types.assign(type, type + n_all);
  ids.clear();
  if (atom->tag_enable) ids.assign(atom->tag, atom->tag + n_all);
  copy(list, counts);
  builds_ = neighbor->ncalls;
  list_ = list;
  return ++copies_;
}

void ListRows::copy(LAMMPS_NS::NeighList *list, const std::vector<bool> &counts)
{
  int64_t total = 0;
  for (int k = 0; k < list->inum; k++) total += list->numneigh[list->ilist[k]];
  centres.clear();
  first.assign(1, 0);
  centres.reserve(list->inum);
  first.reserve(list->inum + 1);
  neighbours.resize(total);
  int64_t n = 0;
  for (int k = 0; k < list->inum; k++) {
    const int i = list->ilist[k];
    if (!counts[types[i]]) continue;
    const int *row = list->firstneigh[i];
    for (int m = 0; m < list->numneigh[i]; m++) {
      const int j = row[m] & NEIGHMASK;
      if (counts[types[j]]) neighbours[n++] = j;
    }
    centres.push_back(i);
    first.push_back(n);
  }
  neighbours.resize(n);
}

double ListRows::bytes() const
{
  return sizeof(int) * (centres.capacity() + neighbours.capacity() + types.capacity()) +
      sizeof(int64_t) * (first.capacity() + ids.capacity());
}

}    // namespace dpse
