// SPDX-License-Identifier: GPL-2.0-only
// The models that pair_style and pair_coeff name.

#include "pair_dpse.h"

#include "atom.h"
#include "comm.h"
#include "placement.h"
#include "universe.h"

#include <algorithm>

using namespace LAMMPS_NS;

// The first rank comes first: it fills the caches of kernels and plans.
void PairDPSE::load()
{
  potentials.clear();
  rows.forget();
  const std::string given = options.engine + place();
  const Words models = model_files(), names = type_names();
  std::string wrong;
  if (comm->me == 0) {
    try {
      load_here(models, given, names);
    } catch (const std::runtime_error &failure) {
      wrong = failure.what();
    }
  }
  end_together(wrong);
  if (comm->me != 0) {
    try {
      load_here(models, given, names);
    } catch (const std::runtime_error &failure) {
      wrong = failure.what();
    }
  }
  end_together(wrong);
  seen.assign(models.size(), 0);
  forces.resize(models.size());
  virials.resize(models.size());
}

// Throws what dpse-fast refuses, on this rank alone.
void PairDPSE::load_here(const Words &models, const std::string &given, const Words &names)
{
  cutoff = 0;
  int n_frame = 0, n_atomic = 0, n, m;
  for (const std::string &model : models) {
    try {
      potentials.emplace_back(new dpse::Potential(model, given));
      dpse::Potential &loaded = *potentials.back();
      map_types(loaded, names);
      loaded.parameters(n, m);
      dpse::Parameters::check(options, n, m);
      if (potentials.size() == 1) {
        n_frame = n;
        n_atomic = m;
      } else if (m != n_atomic || (n != n_frame && options.has_sources()))
        throw dpse::Failure(fmt::format("expected a model with {} frame and {} atomic parameters, "
                                        "as {} is, got {} and {}",
                                        n_frame, n_atomic, models.front(), n, m));
      cutoff = std::max(cutoff, loaded.cutoff() * length_unit);
      if (comm->me == 0) warn(loaded.warning);
    } catch (const std::exception &failure) {
      throw dpse::Failure(model + ": " + failure.what());
    }
  }
}

// Options of the engine that depend on where this rank runs. Collective.
std::string PairDPSE::place()
{
  const dpse::Placement placed = dpse::place(world, universe->nworlds > 1);
  std::string device = options.device;
  const int gpus = device == "cuda" || device.empty() ? dpse::count_gpus() : 0;
  if (gpus > 1) device = "cuda:" + std::to_string(placed.rank % gpus);
  const int threads = options.threads ? options.threads : placed.threads;
  return (options.engine.empty() ? "threads=" : " threads=") + std::to_string(threads) +
      (device.empty() ? "" : " device=" + device);
}

// Without names, LAMMPS' types are the first of the first model, in its order.
void PairDPSE::map_types(dpse::Potential &potential, const Words &names)
{
  const Words known = potential.names();
  Words asked = names;
  if (asked.empty()) {
    const Words first = potentials.front()->names();
    if (atom->ntypes > (int) first.size())
      throw dpse::Failure(fmt::format("the model has {} types ({}) and the run {}; name them "
                                      "after pair_coeff * *, with NULL for those without a model",
                                      first.size(), dpse::joined(first), atom->ntypes));
    asked.assign(first.begin(), first.begin() + atom->ntypes);
  }
  potential.type_map.assign(1, -1);
  for (const std::string &name : asked) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (name == "NULL")
      potential.type_map.push_back(-1);
    else if (found == known.end())
      throw dpse::Failure(fmt::format("expected types of the model ({}) or NULL, got {}",
                                      dpse::joined(known), name));
    else
      potential.type_map.push_back((int) (found - known.begin()));
  }
}
