// SPDX-License-Identifier: GPL-2.0-only
// pair_style and pair_coeff, and the start of a run.

#include "pair_dpse.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"

#include <algorithm>
#include <cstring>

using namespace LAMMPS_NS;

// Boltzmann's constant in LAMMPS' metal units.
static constexpr double EV_PER_K = 8.617343e-5;

PairDPSE::PairDPSE(LAMMPS *lmp, bool deepmd) :
    Pair(lmp), deepmd(deepmd), parameters(lmp), cutoff(0), energy_unit(1), length_unit(1),
    scale(nullptr), from_restart(false), copy(0), communicated(nullptr)
{
  restartinfo = 1;
  one_coeff = 1;
  manybody_flag = 1;
  single_enable = 0;
  no_virial_fdotr_compute = 1;
  pppmflag = 1;
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

void PairDPSE::settings(int narg, char **arg)
{
  Words words(arg, arg + narg);
  const Words more = deepmd ? dpse::of_environment(words) : Words();
  if (!more.empty() && comm->me == 0)
    utils::logmesg(lmp, "pair_style dpse: of the environment: {}\n", dpse::joined(more));
  words.insert(words.end(), more.begin(), more.end());
  apply_settings(words);
}

void PairDPSE::set_units()
{
  const std::string units = update->unit_style;
  if (units == "lj")
    error->all(FLERR, "pair_style dpse: expected units with a scale, such as metal, got lj");
  length_unit = force->angstrom;
  if (units == "metal")
    energy_unit = 1.0;
  else if (units == "real" && !deepmd)
    energy_unit = utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL);
  else
    energy_unit = force->boltz / EV_PER_K;
}

void PairDPSE::apply_settings(const Words &words)
{
  set_units();
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
  if (deepmd) given_coeff = fitted(words);
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

// pair_style deepmd takes too few names and too many.
PairDPSE::Words PairDPSE::fitted(const Words &names)
{
  const size_t n = atom->ntypes;
  if (options.models.empty() || names.empty() || names.size() == n) return names;
  Words found = names;
  found.resize(n, "NULL");
  if (comm->me == 0)
    warn(fmt::format("pair_coeff names {} types ({}) and the run has {}; taken as {}", names.size(),
                     dpse::joined(names), n, dpse::joined(found)));
  return found;
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

// As a part of pair_style hybrid, types called NULL are left to the other parts;
// pair_style deepmd claims them, and then does not count them.
void PairDPSE::set_flags(const Words &names)
{
  const bool leave = !deepmd && utils::strmatch(force->pair_style, "^hybrid");
  counts.assign(atom->ntypes + 1, true);
  for (size_t k = 0; k < names.size(); k++) counts[k + 1] = names[k] != "NULL";
  for (int i = 1; i <= atom->ntypes; i++)
    for (int j = 1; j <= atom->ntypes; j++)
      setflag[i][j] = !leave || (counts[i] && counts[j]);
}

void PairDPSE::init_style()
{
  if (!force->newton_pair) error->all(FLERR, "pair_style dpse: expected newton on (for pairs)");
  if (atom->tag_enable == 0 && options.atomic)
    error->all(FLERR, "pair_style dpse: atomic: expected atoms with IDs (atom_modify id yes)");
  check_bonds();
  if (potentials.empty()) load();
  int n_frame, n_atomic;
  potentials.front()->parameters(n_frame, n_atomic);
  parameters.init(options, n_frame, n_atomic);
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
