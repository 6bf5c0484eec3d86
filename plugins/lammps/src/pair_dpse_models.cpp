// SPDX-License-Identifier: GPL-2.0-only
// The models that pair_style and pair_coeff name.

#include "pair_dpse.h"

#include "atom.h"
#include "comm.h"
#include "placement.h"
#include "universe.h"

#include <algorithm>
#include <cstdlib>

using namespace LAMMPS_NS;

// The first rank comes first: it fills the caches of kernels and plans.
void PairDPSE::load()
{
  set_units();
  potential.reset();
  is_ready = is_certified = false;
  rows.forget();
  const std::string given = options.engine + place();
  const Words models = model_files(), names = type_names();
  std::string wrong;
  for (const bool is_first : {true, false}) {
    if ((comm->me == 0) == is_first) wrong = load_here(models, given, names);
    try {
      end_together(wrong);
    } catch (...) {    // a Python script may go on, but not with some of the models
      potential.reset();
      throw;
    }
  }
  counts.clear();
  for (const int type : potential->type_map) counts.push_back(type >= 0);
  seen = 0;
  forces.resize(models.size());
  virials.resize(models.size());
  say_certificate();
}

// On this rank alone; returns what dpse-fast refuses.
std::string PairDPSE::load_here(const Words &models, const std::string &given, const Words &names)
{
  const std::string &first = models.front();
  try {
    potential.reset(new dpse::Potential(models, given));
    map_types(names);
    int n_frame, n_atomic;
    potential->parameters(n_frame, n_atomic);
    dpse::Parameters::check(options, n_frame, n_atomic);
    cutoff = potential->cutoff() * length_unit;
    if (comm->me == 0) warn(potential->warning);
  } catch (const std::exception &failure) {
    const std::string said = failure.what();
    const bool is_named = utils::strmatch(said, "^models\\[") ||
        said.compare(0, first.size(), first) == 0;
    return is_named ? said : first + ": " + said;
  }
  return "";
}

bool PairDPSE::writes_deviation() const
{
  return potential->n_models > 1 && options.out_freq > 0;
}

// How closely the deviation is known: in the log once for these models, when they have plans.
void PairDPSE::say_certificate()
{
  if (is_certified || comm->me != 0 || !writes_deviation()) return;
  const double certified = potential->certificate();
  const std::string planned = std::atof(options.deviation_tol.c_str()) == 0.0
      ? "all with the options of the first"
      : fmt::format("those after the first with deviation_tol {}", options.deviation_tol);
  is_certified = certified >= 0;
  const std::string text = fmt::format(
      "{} models, {}; certificate of force deviations: {}", potential->n_models, planned,
      is_certified ? fmt::format("{:.1e} eV/A", certified) : "not known before the first output");
  if (is_certified || said.insert(text).second)
    utils::logmesg(lmp, "pair_style dpse: {}\n", text);
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
  const Words known = potential->names();
  const int n_known = (int) known.size();
  Words found(known.begin(), known.begin() + std::min(n, n_known));
  found.resize(n, "NULL");
  const std::string text = fmt::format("the model has {} types ({}) and the run {}", n_known,
                                       dpse::joined(known), n);
  if (n > n_known && !deepmd)
    throw dpse::Failure(text + "; name them after pair_coeff * *, with NULL for those without a "
                               "model");
  if (n == n_known || comm->me != 0) return found;
  Words absent;
  for (int type = n_known + 1; type <= n; type++) absent.push_back(std::to_string(type));
  warn(text + ": taken as pair_coeff * * " + dpse::joined(found) +
       (absent.empty() ? "" : "; atoms of type " + dpse::joined(absent) + " do not count"));
  return found;
}

void PairDPSE::map_types(const Words &names)
{
  const Words known = potential->names();
  const Words asked = names.empty() ? first_types() : names;
  potential->type_map.assign(1, -1);
  for (const std::string &name : asked) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (name == "NULL")
      potential->type_map.push_back(-1);
    else if (found == known.end())
      throw dpse::Failure(fmt::format("expected types of the model ({}) or NULL, got {}",
                                      dpse::joined(known), name));
    else
      potential->type_map.push_back((int) (found - known.begin()));
  }
}
