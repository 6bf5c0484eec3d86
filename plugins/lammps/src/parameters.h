// SPDX-License-Identifier: GPL-2.0-only
// Frame and atomic parameters of a step: numbers of the script, or of computes and fixes.

#ifndef DPSE_PARAMETERS_H
#define DPSE_PARAMETERS_H

#include "options.h"
#include "pointers.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {
class Compute;
class Fix;
}    // namespace LAMMPS_NS

namespace dpse {

class Parameters : protected LAMMPS_NS::Pointers {
 public:
  explicit Parameters(LAMMPS_NS::LAMMPS *lmp) : Pointers(lmp) {}

  // What the model takes and what the options give. Throws std::invalid_argument.
  static void check(const Options &options, int n_frame, int n_atomic);

  // Before the first step of a run: of what the first model takes.
  void init(const Options &options, int n_frame, int n_atomic);

  // Of this step, for the atoms of these rows. Collective.
  void update(const std::vector<int> &centres);

  const double *frame() const { return frame_.empty() ? nullptr : frame_.data(); }
  const double *atomic() const { return atomic_.empty() ? nullptr : atomic_.data(); }
  double bytes() const { return sizeof(double) * (frame_.capacity() + atomic_.capacity()); }

 private:
  Options options_;
  int n_frame_ = 0, n_atomic_ = 0;
  bool is_set_up_ = false;
  std::vector<double> frame_, atomic_;

  LAMMPS_NS::Compute *compute(const std::string &keyword, const std::string &id) const;
  LAMMPS_NS::Fix *fix(const std::string &keyword, const std::string &id) const;
  void set_up_computes();
  void of_computes(const std::vector<int> &centres);
  void frame_of_compute();
  void frame_of_fix();
  void atomic_of_compute(const std::vector<int> &centres);
  void of_electrons(const std::vector<int> &centres);
};

}    // namespace dpse

#endif
