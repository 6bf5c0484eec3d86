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
    scale(nullptr), from_restart(false), is_ready(false), is_checked(false), copy(0),
    seen(0), communicated(nullptr), is_certified(false)
{
  restartinfo = 1;
  one_coeff = deepmd ? 0 : 1;    // pair_style deepmd takes 1*2 1*2 for * *
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
  forget_coeff();
}

void PairDPSE::forget_coeff()
{
  given_coeff.clear();
  if (!allocated) return;
  memory->destroy(setflag);
  memory->destroy(cutsq);
  memory->destroy(scale);
  allocated = 0;
}

void PairDPSE::settings(int narg, char **arg)
{
  Words words(arg, arg + narg), more;
  try {
    if (deepmd) more = dpse::of_environment(words);
  } catch (const std::invalid_argument &wrong) {
    error->all(FLERR, "pair_style dpse: {}", wrong.what());
  }
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

// As in other styles, the coefficients of a former pair_style of this name stay, unless their
// words mean something else now: the first of them is a model if pair_style names none.
void PairDPSE::apply_settings(const Words &words)
{
  set_units();
  const bool named = !options.models.empty();
  try {
    options = dpse::parse(words);
  } catch (const std::invalid_argument &wrong) {
    error->all(FLERR, "pair_style dpse: {}", wrong.what());
  }
  given_settings = words;
  potential.reset();
  is_ready = false;
  if (named == options.models.empty()) forget_coeff();
}

void PairDPSE::coeff(int narg, char **arg)
{
  if (narg < 2 || !are_all_types(arg[0]) || !are_all_types(arg[1]))
    error->all(FLERR, "pair_style dpse: expected pair_coeff * * ..., for all types at once");
  apply_coeff(Words(arg + 2, arg + narg));
  load();
}

bool PairDPSE::are_all_types(const char *range) const
{
  if (!deepmd) return strcmp(range, "*") == 0;
  int first, last;
  utils::bounds(FLERR, range, 1, atom->ntypes, first, last, error);
  return first == 1 && last == atom->ntypes;
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
  const auto is_left = [&](int type) {
    return leave && !names.empty() && names[type - 1] == "NULL";
  };
  for (int i = 1; i <= atom->ntypes; i++)
    for (int j = 1; j <= atom->ntypes; j++) setflag[i][j] = !is_left(i) && !is_left(j);
}

void PairDPSE::init_style()
{
  if (!force->newton_pair) error->all(FLERR, "pair_style dpse: expected newton on (for pairs)");
  if (atom->tag_enable == 0 && options.atomic)
    error->all(FLERR, "pair_style dpse: atomic: expected atoms with IDs (atom_modify id yes)");
  if (!potential) load();
  int n_frame, n_atomic;
  potential->parameters(n_frame, n_atomic);
  parameters.init(options, n_frame, n_atomic);
  neighbor->add_request(this, NeighConst::REQ_FULL);
  is_ready = true;
  is_checked = false;
  if (!writes_deviation()) return;
  int opened = comm->me == 0 ? deviation_file.open(options, from_restart) : 1;
  MPI_Bcast(&opened, 1, MPI_INT, 0, world);
  if (!opened)
    error->all(FLERR, "pair_style dpse: out_file: {} cannot be written", options.out_file);
}

// Before the first step of a run, for which LAMMPS has now decided what its list leaves out.
void PairDPSE::check_list()
{
  is_checked = true;
  if (excludes() && comm->me == 0)
    warn("neigh_modify takes pairs out of the neighbour list: the model does not see them, and "
         "gives the energies of atoms without these neighbours");
  if (atom->molecular == Atom::ATOMIC || atom->nbonds == 0) return;
  const int *flags = neighbor->special_flag;
  if (flags[1] != 0 && flags[2] != 0 && flags[3] != 0) return;
  const char *text = "special_bonds takes pairs of bonded atoms out of the neighbour list; expected "
                     "special_bonds lj/coul 1 1 1";
  if (!utils::strmatch(force->pair_style, "^hybrid"))
    error->all(FLERR, "pair_style dpse: {}", text);
  if (comm->me == 0) warn(text);
}

// Are there pairs that neigh_modify leaves out, as far as types tell?
bool PairDPSE::excludes() const
{
  if (neighbor->includegroup != 0) return true;
  if (!neighbor->exclude) return false;
  if (neighbor->nex_group > 0 || neighbor->nex_mol > 0) return true;
  for (int k = 0; k < neighbor->nex_type; k++)
    if (counts[neighbor->ex1_type[k]] && counts[neighbor->ex2_type[k]]) return true;
  return false;
}

// Of types without a model, too, which fix adapt may ask for.
double PairDPSE::init_one(int i, int j)
{
  scale[j][i] = scale[i][j];
  return cutoff;
}
