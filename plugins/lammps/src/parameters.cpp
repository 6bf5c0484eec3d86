// SPDX-License-Identifier: GPL-2.0-only

#include "parameters.h"

#include "electrons.h"

#include "atom.h"
#include "compute.h"
#include "error.h"
#include "fix.h"
#include "modify.h"

#include <algorithm>
#include <memory>
#include <stdexcept>

using namespace LAMMPS_NS;

namespace dpse {
namespace {

std::string counted(const char *keyword, int expected, std::size_t given)
{
  return std::string(keyword) + ": the model takes " + std::to_string(expected) +
      " numbers, got " + std::to_string(given);
}

}    // namespace

void Parameters::check(const Options &options, int n_frame, int n_atomic)
{
  using Refused = std::invalid_argument;
  // A model may have default frame parameters; if it has none, the first step says so.
  if (!options.fparam.empty() && (int) options.fparam.size() != n_frame)
    throw Refused(counted("fparam", n_frame, options.fparam.size()));
  if (n_frame == 0 && !options.fparam_compute.empty())
    throw Refused("fparam_from_compute: the model takes no frame parameters");
  if (n_frame == 0 && !options.fparam_fix.empty())
    throw Refused("fparam_from_fix: the model takes no frame parameters");
  if (n_atomic == 0 && !options.aparam_compute.empty())
    throw Refused("aparam_from_compute: the model takes no atomic parameters");
  if (options.ttm.empty() && options.aparam_compute.empty() &&
      (int) options.aparam.size() != n_atomic)
    throw Refused(counted("aparam", n_atomic, options.aparam.size()));
  if (options.ttm.empty()) return;
  const bool frame = !options.fparam.empty() || !options.fparam_compute.empty() ||
      !options.fparam_fix.empty();
  if (n_atomic == 0 && frame)
    throw Refused("ttm: the model takes no atomic parameters, and frame parameters are given "
                  "otherwise");
  if (n_atomic > 1 || (n_atomic == 0 && n_frame != 1))
    throw Refused("ttm: expected a model with one atomic or one frame parameter, got " +
                  std::to_string(n_atomic) + " and " + std::to_string(n_frame));
}

void Parameters::init(const Options &options, int n_frame, int n_atomic)
{
  options_ = options;
  n_frame_ = n_frame;
  n_atomic_ = n_atomic;
  frame_ = options.fparam;
  atomic_.clear();
  is_set_up_ = false;
}

// LAMMPS does this after the first evaluation of forces; temperatures need it before, also those
// that other computes and variables use.
void Parameters::set_up_computes()
{
  for (Compute *each : modify->get_compute_list())
    if (each->tempflag || options_.fparam_compute == each->id || options_.aparam_compute == each->id)
      each->setup();
  is_set_up_ = true;
}

// What a compute takes from other computes is of this step only if these count as not yet
// evaluated. What LAMMPS has noted of them stays, for its own output.
void Parameters::of_computes(const std::vector<int> &centres)
{
  std::vector<int> noted;
  for (Compute *each : modify->get_compute_list()) {
    noted.push_back(each->invoked_flag);
    each->invoked_flag = 0;
  }
  if (!options_.fparam_compute.empty()) frame_of_compute();
  if (!options_.aparam_compute.empty()) atomic_of_compute(centres);
  std::size_t k = 0;
  for (Compute *each : modify->get_compute_list()) each->invoked_flag = noted[k++];
}

void Parameters::update(const std::vector<int> &centres)
{
  if (!is_set_up_) set_up_computes();
  if (!(options_.fparam_compute + options_.aparam_compute).empty()) of_computes(centres);
  if (!options_.fparam_fix.empty()) frame_of_fix();
  if (!options_.ttm.empty()) of_electrons(centres);
  const std::size_t width = options_.aparam.size();
  if (width && atomic_.size() != width * centres.size()) {
    atomic_.resize(width * centres.size());
    for (std::size_t k = 0; k < atomic_.size(); k++) atomic_[k] = options_.aparam[k % width];
  }
}

Compute *Parameters::compute(const std::string &keyword, const std::string &id) const
{
  Compute *found = modify->get_compute_by_id(id);
  if (!found) error->all(FLERR, "pair_style dpse: {}: there is no compute {}", keyword, id);
  return found;
}

Fix *Parameters::fix(const std::string &keyword, const std::string &id) const
{
  Fix *found = modify->get_fix_by_id(id);
  if (!found) error->all(FLERR, "pair_style dpse: {}: there is no fix {}", keyword, id);
  return found;
}

void Parameters::frame_of_compute()
{
  Compute *found = compute("fparam_from_compute", options_.fparam_compute);
  if (n_frame_ == 1 && found->scalar_flag) {
    found->compute_scalar();
    frame_.assign(1, found->scalar);
    return;
  }
  if (n_frame_ == 1 || !found->vector_flag)
    error->all(FLERR, "pair_style dpse: fparam_from_compute: expected a global {} of compute {}",
               n_frame_ == 1 ? "scalar" : "vector", found->id);
  found->compute_vector();    // its length may be known only now
  if (found->size_vector < n_frame_)
    error->all(FLERR,
               "pair_style dpse: fparam_from_compute: expected {} numbers of compute {}, got {}",
               n_frame_, found->id, found->size_vector);
  frame_.assign(found->vector, found->vector + n_frame_);
}

// A scalar is for all frame parameters, as in pair_style deepmd.
void Parameters::frame_of_fix()
{
  Fix *found = fix("fparam_from_fix", options_.fparam_fix);
  const int begin = options_.fparam_index - 1;
  if (begin < 0) {
    if (!found->scalar_flag)
      error->all(FLERR, "pair_style dpse: fparam_from_fix: expected a global scalar of fix {}",
                 found->id);
    frame_.assign(n_frame_, found->compute_scalar());
    return;
  }
  const int size = found->vector_flag ? found->size_vector : 0;
  if (size < begin + n_frame_)
    error->all(FLERR,
               "pair_style dpse: fparam_from_fix: expected numbers {} to {} of the global vector "
               "of fix {}, which has {}",
               begin + 1, begin + n_frame_, found->id, size);
  frame_.resize(n_frame_);
  for (int k = 0; k < n_frame_; k++) frame_[k] = found->compute_vector(begin + k);
}

void Parameters::atomic_of_compute(const std::vector<int> &centres)
{
  Compute *found = compute("aparam_from_compute", options_.aparam_compute);
  const int columns = found->peratom_flag ? found->size_peratom_cols : -1;
  if (n_atomic_ == 1 ? columns != 0 : columns < n_atomic_)
    error->all(FLERR,
               "pair_style dpse: aparam_from_compute: expected {} per atom of compute {}",
               n_atomic_ == 1 ? "one number" : fmt::format("{} columns", n_atomic_), found->id);
  found->compute_peratom();
  atomic_.clear();
  for (int i : centres) {
    const double *first = columns == 0 ? found->vector_atom + i : found->array_atom[i];
    atomic_.insert(atomic_.end(), first, first + n_atomic_);
  }
}

// Atoms outside of the fix's group have no electrons around them: 0 K.
void Parameters::of_electrons(const std::vector<int> &centres)
{
  Fix *found = fix("ttm", options_.ttm);
  std::unique_ptr<Electrons> electrons;
  try {
    electrons.reset(new Electrons(found, world));
  } catch (const std::invalid_argument &wrong) {
    error->all(FLERR, "pair_style dpse: ttm: {}", wrong.what());
  }
  if (n_atomic_ == 0) {
    frame_.assign(1, electrons->mean());
    return;
  }
  atomic_.clear();
  for (int i : centres) {
    const bool inside = atom->mask[i] & found->groupbit;
    atomic_.push_back(inside ? electrons->at(atom->x[i], domain) : 0.0);
  }
}

}    // namespace dpse
