// SPDX-License-Identifier: GPL-2.0-only
// A potential of dpse-fast's C library, of one model or a committee, that is freed with its
// owner.

#ifndef DPSE_POTENTIAL_H
#define DPSE_POTENTIAL_H

#include "dpse.h"

#include <stdexcept>
#include <string>
#include <vector>

namespace dpse {

// The library's sentence, and the place in positions of the atom that it is about, or -1.
struct Failure : std::runtime_error {
  explicit Failure(const std::string &said, int atom = -1) : std::runtime_error(said), atom(atom)
  {
  }
  int atom;
};

inline void check(int status)
{
  if (status == DPSE_OK) return;
  const std::string said = dpse_error();
  throw Failure(said.empty() ? "error " + std::to_string(status) + " of dpse-fast" : said,
                dpse_error_atom());
}

class Potential {
 public:
  // models: files, or "demo" for the embedded water model; the first decides about types
  Potential(const std::vector<std::string> &models, const std::string &options) :
      n_models(models.size())
  {
    std::vector<const char *> files;
    for (const std::string &model : models)
      files.push_back(model == "demo" ? nullptr : model.c_str());
    if (n_models == 1)
      check(dpse_init(files[0], options.c_str(), &number_));
    else
      check(dpse_init_committee((int) n_models, files.data(), options.c_str(), &number_));
    warning = dpse_warning();
  }
  Potential(const Potential &) = delete;
  Potential &operator=(const Potential &) = delete;
  ~Potential() { dpse_free(number_); }

  const std::size_t n_models;
  std::string warning;          // of loading
  std::vector<int> type_map;    // the model's type of each of LAMMPS' types, -1: NULL

  double cutoff() const
  {
    double found;
    check(dpse_cutoff(number_, &found));
    return found;
  }

  std::vector<std::string> names() const
  {
    int n;
    check(dpse_n_types(number_, &n));
    std::vector<std::string> found;
    for (int type = 0; type < n; type++) {
      char name[256];
      check(dpse_type_name(number_, type, name, sizeof name));
      found.emplace_back(name);
    }
    return found;
  }

  void parameters(int &n_frame, int &n_atomic) const
  {
    check(dpse_parameters(number_, &n_frame, &n_atomic));
  }

  // What messages call the atoms of later calls; none: places in positions.
  void name_atoms(const std::vector<int64_t> &ids) const
  {
    check(dpse_atom_ids(number_, (int) ids.size(), ids.empty() ? nullptr : ids.data()));
  }

  // eV/Å by which the plans of a committee change the deviation of a force, at most; below 0
  // while there are none.
  double certificate() const
  {
    double force, rounding;
    check(dpse_deviation_certificate(number_, &force, &rounding));
    return force;
  }

  // Of as many models as there are sums.
  void compute(const dpse_list &list, std::vector<dpse_sums> &sums) const
  {
    check(dpse_compute_nlist_members(number_, &list, (int) sums.size(), sums.data()));
  }

 private:
  int number_ = 0;
};

}    // namespace dpse

#endif
