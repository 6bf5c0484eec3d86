// SPDX-License-Identifier: GPL-2.0-only
// pair_style, pair_coeff, and the models that they name.

#include "pair_dpse.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "placement.h"
#include "universe.h"
#include "update.h"

#include <algorithm>
#include <cstring>

using namespace LAMMPS_NS;

PairDPSE::PairDPSE(LAMMPS *lmp) :
    Pair(lmp), cutoff(0), energy_unit(1), scale(nullptr), from_restart(false),
    copy(0), communicated(nullptr)
{
  restartinfo = 1;
  one_coeff = 1;
  manybody_flag = 1;
  single_enable = 0;
  no_virial_fdotr_compute = 1;
  unit_convert_flag = utils::get_supported_conversions(utils::ENERGY);
  centroidstressflag = CENTROID_AVAIL;
  comm_reverse = 3;
}

PairDPSE::~PairDPSE()
{
  if (!allocated) return;
  memory->destroy(setflag);
  memory->destroy(cutsq);
  memory->destroy(scale);
}

void PairDPSE::settings(int narg, char **arg) { apply_settings(Words(arg, arg + narg)); }

void PairDPSE::apply_settings(const Words &words)
{
  const bool metal = strcmp(update->unit_style, "metal") == 0;
  if (!metal && strcmp(update->unit_style, "real") != 0)
    error->all(FLERR, "pair_style dpse: expected units metal or real, got {}",
               update->unit_style);
  energy_unit = metal ? 1.0 : utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL);
  try {
    options = dpse::parse(words);
  } catch (const std::invalid_argument &wrong) {
    error->all(FLERR, "pair_style dpse: {}", wrong.what());
  }
  given_settings = words;
  given_coeff.clear();
  potentials.clear();
}

void PairDPSE::coeff(int narg, char **arg)
{
  if (narg < 2 || strcmp(arg[0], "*") != 0 || strcmp(arg[1], "*") != 0)
    error->all(FLERR, "pair_style dpse: expected pair_coeff * * ...");
  apply_coeff(Words(arg + 2, arg + narg));
  load();
}

// The model of pair_coeff comes first if pair_style names none.
void PairDPSE::apply_coeff(const Words &words)
{
  if (options.models.empty() && words.empty())
    error->all(FLERR, "pair_style dpse: expected a model file in pair_style or as the first "
                      "word after pair_coeff * *; demo is the embedded water model");
  given_coeff = words;
  const Words names = type_names();
  if (!names.empty() && (int) names.size() != atom->ntypes)
    error->all(FLERR,
               "pair_style dpse: expected {} names of types after pair_coeff * *{}, got {} ({}); "
               "a model is named there only if pair_style names none",
               atom->ntypes, options.models.empty() ? " MODEL" : "", names.size(),
               dpse::joined(names));
  if (!allocated) allocate();
  set_flags(names);
}

PairDPSE::Words PairDPSE::model_files() const
{
  return options.models.empty() ? Words(1, given_coeff.front()) : options.models;
}

PairDPSE::Words PairDPSE::type_names() const
{
  return Words(given_coeff.begin() + (options.models.empty() ? 1 : 0), given_coeff.end());
}

void PairDPSE::allocate()
{
  const int n = atom->ntypes + 1;
  memory->create(setflag, n, n, "pair:setflag");
  memory->create(cutsq, n, n, "pair:cutsq");
  memory->create(scale, n, n, "pair_dpse:scale");
  std::fill_n(&cutsq[0][0], n * n, 0.0);
  std::fill_n(&scale[0][0], n * n, 1.0);
  allocated = 1;
}

// As a part of pair_style hybrid, types called NULL are left to the other parts.
void PairDPSE::set_flags(const Words &names)
{
  const bool hybrid = utils::strmatch(force->pair_style, "^hybrid");
  counts.assign(atom->ntypes + 1, true);
  for (size_t k = 0; k < names.size(); k++) counts[k + 1] = names[k] != "NULL";
  for (int i = 1; i <= atom->ntypes; i++)
    for (int j = 1; j <= atom->ntypes; j++)
      setflag[i][j] = !hybrid || (counts[i] && counts[j]);
}

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
  for (const std::string &model : models) {
    try {
      potentials.emplace_back(new dpse::Potential(model, given));
    } catch (const dpse::Failure &failure) {
      throw dpse::Failure(model + ": " + failure.what());
    }
    dpse::Potential &loaded = *potentials.back();
    map_types(loaded, model, names);
    check_parameters(loaded, model);
    cutoff = std::max(cutoff, loaded.cutoff());
    if (comm->me == 0) warn(loaded.warning);
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
void PairDPSE::map_types(dpse::Potential &potential, const std::string &model,
                         const Words &names)
{
  const Words known = potential.names();
  Words asked = names;
  if (asked.empty()) {
    const Words first = potentials.front()->names();
    if (atom->ntypes > (int) first.size())
      throw dpse::Failure(fmt::format("{}: the model has {} types ({}) and the run {}; name them "
                                      "after pair_coeff * *, with NULL for those without a model",
                                      model, first.size(), dpse::joined(first),
                                      atom->ntypes));
    asked.assign(first.begin(), first.begin() + atom->ntypes);
  }
  potential.type_map.assign(1, -1);
  for (const std::string &name : asked) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (name == "NULL")
      potential.type_map.push_back(-1);
    else if (found == known.end())
      throw dpse::Failure(fmt::format("{}: expected types of the model ({}) or NULL, got {}",
                                      model, dpse::joined(known), name));
    else
      potential.type_map.push_back((int) (found - known.begin()));
  }
}

void PairDPSE::check_parameters(const dpse::Potential &potential, const std::string &model) const
{
  int n_frame, n_atomic;
  potential.parameters(n_frame, n_atomic);
  const int given_frame = (int) options.fparam.size(), given = (int) options.aparam.size();
  // A model may have default frame parameters; if it has none, the first step says so.
  if (given_frame && given_frame != n_frame)
    throw dpse::Failure(fmt::format("{}: fparam: the model takes {} numbers, got {}", model,
                                    n_frame, given_frame));
  if (given != n_atomic)
    throw dpse::Failure(fmt::format("{}: aparam: the model takes {} numbers, got {}", model,
                                    n_atomic, given));
}

void PairDPSE::init_style()
{
  if (!force->newton_pair) error->all(FLERR, "pair_style dpse: expected newton on (for pairs)");
  if (atom->tag_enable == 0 && options.atomic)
    error->all(FLERR, "pair_style dpse: atomic: expected atoms with IDs (atom_modify id yes)");
  check_bonds();
  if (potentials.empty()) load();
  neighbor->add_request(this, NeighConst::REQ_FULL);
  if (potentials.size() < 2 || options.out_freq == 0) return;
  int opened = comm->me == 0 ? deviation_file.open(options, from_restart) : 1;
  MPI_Bcast(&opened, 1, MPI_INT, 0, world);
  if (!opened)
    error->all(FLERR, "pair_style dpse: out_file: {} cannot be written", options.out_file);
}

// special_bonds of weight 0 take pairs out of the list that the model needs.
void PairDPSE::check_bonds() const
{
  if (atom->molecular == Atom::ATOMIC || atom->nbonds == 0) return;
  for (int k = 1; k <= 3; k++) {
    if (force->special_lj[k] != 0.0 || force->special_coul[k] != 0.0) continue;
    const char *text = "pair_style dpse: special_bonds takes pairs of bonded atoms out of the "
                       "neighbour list; expected special_bonds lj/coul 1 1 1";
    if (!utils::strmatch(force->pair_style, "^hybrid")) error->all(FLERR, text);
    if (comm->me == 0) error->warning(FLERR, text);
    return;
  }
}

double PairDPSE::init_one(int i, int j)
{
  if (setflag[i][j] == 0) error->all(FLERR, "All pair coeffs are not set");
  scale[j][i] = scale[i][j];
  return cutoff;
}
