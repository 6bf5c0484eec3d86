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
  set_units();
  potentials.clear();
  is_ready = false;
  rows.forget();
  const std::string given = options.engine + place();
  const Words models = model_files(), names = type_names();
  std::string wrong;
  for (const bool is_first : {true, false}) {
    if ((comm->me == 0) == is_first) wrong = load_here(models, given, names);
    try {
      end_together(wrong);
    } catch (...) {    // a Python script may go on, but not with some of the models
      potentials.clear();
      throw;
    }
  }
  counts.clear();
  for (const int type : potentials.front()->type_map) counts.push_back(type >= 0);
  seen.assign(models.size(), 0);
  forces.resize(models.size());
  virials.resize(models.size());
}

// On this rank alone; returns what dpse-fast refuses.
std::string PairDPSE::load_here(const Words &models, const std::string &given, const Words &names)
{
  cutoff = 0;
  for (const std::string &model : models) {
    try {
      load_one(model, given, names);
    } catch (const std::exception &failure) {
      const std::string said = failure.what();
      return said.compare(0, model.size(), model) == 0 ? said : model + ": " + said;
    }
  }
  return "";
}

void PairDPSE::load_one(const std::string &model, const std::string &given, const Words &names)
{
  potentials.emplace_back(new dpse::Potential(model, given));
  dpse::Potential &loaded = *potentials.back();
  map_types(loaded, names);
  int n_frame, n_atomic, n, m;
  loaded.parameters(n, m);
  dpse::Parameters::check(options, n, m);
  potentials.front()->parameters(n_frame, n_atomic);
  if (m != n_atomic || (n != n_frame && options.has_sources()))
    throw dpse::Failure(fmt::format("expected a model with {} frame and {} atomic parameters, "
                                    "as the first is, got {} and {}",
                                    n_frame, n_atomic, n, m));
  cutoff = std::max(cutoff, loaded.cutoff() * length_unit);
  if (comm->me == 0) warn(loaded.warning);
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

// Without names, LAMMPS' types are the first of the first model, in its order. Of those that it
// does not have, pair_style deepmd makes atoms that do not count.
PairDPSE::Words PairDPSE::first_types()
{
  const int n = atom->ntypes;
  const Words known = potentials.front()->names();
  const int n_known = (int) known.size();
  Words found(known.begin(), known.begin() + std::min(n, n_known));
  found.resize(n, "NULL");
  const std::string text = fmt::format("the model has {} types ({}) and the run {}", n_known,
                                       dpse::joined(known), n);
  if (n > n_known && !deepmd)
    throw dpse::Failure(text + "; name them after pair_coeff * *, with NULL for those without a "
                               "model");
  if (n == n_known || comm->me != 0 || potentials.size() > 1) return found;
  Words absent;
  for (int type = n_known + 1; type <= n; type++) absent.push_back(std::to_string(type));
  warn(text + ": taken as pair_coeff * * " + dpse::joined(found) +
       (absent.empty() ? "" : "; atoms of type " + dpse::joined(absent) + " do not count"));
  return found;
}

void PairDPSE::map_types(dpse::Potential &potential, const Words &names)
{
  const Words known = potential.names();
  const Words asked = names.empty() ? first_types() : names;
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
