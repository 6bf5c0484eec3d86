// SPDX-License-Identifier: GPL-2.0-only
// What happens every step. Settings are in pair_dpse_setup.cpp, restart files in
// pair_dpse_restart.cpp.

#include "pair_dpse.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"

#include <cctype>
#include <cstring>
#include <sstream>

using namespace LAMMPS_NS;

namespace {

// LAMMPS' order: xx yy zz xy xz yz, yx zx zy; the first letter is the distance's, the
// second the force's. The engine's matrices, by rows, have the force first.
constexpr int ORDER[9] = {0, 4, 8, 3, 6, 7, 1, 2, 5};

}    // namespace

void PairDPSE::compute(int eflag, int vflag)
{
  if (!is_ready)
    error->all(FLERR, "pair_style dpse: pair_style or pair_coeff came after the last run: expected "
                      "the next run without pre no");
  ev_init(eflag, vflag);
  if (!is_checked) check_list();
  const int n_all = atom->nlocal + atom->nghost;
  copy = rows.update(neighbor, this->list, atom, counts);
  parameters.update(rows.centres);
  dpse_list list = listed();
  const bool all_models = writes_deviation() && update->ntimestep % options.out_freq == 0;
  const double unit = energy_unit * scaling();
  const bool own_forces = all_models || unit != length_unit;

  std::vector<dpse_sums> sums(all_models ? potential->n_models : 1);
  atomic_energies.resize(eflag_atom ? list.n_rows : 0);
  atomic_virials.resize(vflag_atom || cvflag_atom ? 9 * (size_t) n_all : 0);
  for (size_t m = own_forces ? 0 : 1; m < sums.size(); m++) {
    forces[m].assign(3 * (size_t) n_all, 0.0);
    sums[m].forces = forces[m].data();
  }
  if (!own_forces && n_all) sums[0].forces = atom->f[0];
  sums[0].atomic_energies = eflag_atom ? atomic_energies.data() : nullptr;
  sums[0].atomic_virials = vflag_atom || cvflag_atom ? atomic_virials.data() : nullptr;
  evaluate(list, sums);

  if (own_forces && n_all)
    for (size_t k = 0; k < forces[0].size(); k++)
      atom->f[0][k] += unit / length_unit * forces[0][k];
  add(sums[0], unit);
  if (all_models) deviate(sums);
}

dpse_list PairDPSE::listed()
{
  dpse_list found = {};
  found.n_all = atom->nlocal + atom->nghost;
  found.n_rows = (int) rows.centres.size();
  found.positions = found.n_all ? atom->x[0] : nullptr;
  if (length_unit != 1.0) {
    positions.assign(found.positions, found.positions + 3 * (size_t) found.n_all);
    for (double &value : positions) value /= length_unit;
    found.positions = positions.data();
  }
  found.types = rows.types.data();
  found.centres = rows.centres.data();
  found.first = rows.first.data();
  found.neighbours = rows.neighbours.data();
  found.n_caller_types = atom->ntypes + 1;
  found.fparam = parameters.frame();
  found.aparam = parameters.atomic();
  return found;
}

// The first of the models, as many as there are sums, on one list.
void PairDPSE::evaluate(dpse_list &list, std::vector<dpse_sums> &sums)
{
  list.type_map = potential->type_map.data();
  list.same_list = seen == copy;
  seen = 0;
  std::string wrong;
  bool of_ghost = false;
  try {
    if (!list.same_list) potential->name_atoms(rows.ids);
    potential->compute(list, sums);
  } catch (const dpse::Failure &failure) {
    wrong = failure.what();
    of_ghost = failure.atom >= atom->nlocal;
  }
  end_together(wrong, of_ghost);
  seen = copy;
  warn(dpse_warning());
}

// Ends all ranks if something is wrong on some, with the sentence of one of them: of the
// owner of the atom that is wrong, which is another rank's ghost, if there is one. Collective.
void PairDPSE::end_together(const std::string &wrong, bool of_ghost)
{
  int mine = 2 * comm->nprocs, first;
  if (!wrong.empty()) mine = comm->me + (of_ghost ? comm->nprocs : 0);
  MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, world);
  if (first == 2 * comm->nprocs) return;
  const int rank = first % comm->nprocs;
  std::string said = wrong;
  int size = (int) said.size();
  MPI_Bcast(&size, 1, MPI_INT, rank, world);
  said.resize(size);
  MPI_Bcast(&said[0], size, MPI_CHAR, rank, world);
  std::string place = comm->nprocs > 1 ? "on proc " + std::to_string(rank) : "";
  if (first >= comm->nprocs) place = "the atom is a ghost " + place;
  error->all(FLERR, "pair_style dpse: {}{}", said, place.empty() ? "" : "; " + place);
}

// Energies and virials; forces are where they belong.
void PairDPSE::add(const dpse_sums &sums, double unit)
{
  if (eflag_global) eng_vdwl += unit * sums.energy;
  if (vflag_global)
    for (int k = 0; k < 6; k++) virial[k] += unit * sums.virial[ORDER[k]];
  if (eflag_atom)
    for (size_t k = 0; k < rows.centres.size(); k++)
      eatom[rows.centres[k]] += unit * atomic_energies[k];
  const size_t n_all = atomic_virials.size() / 9;
  for (size_t i = 0; i < n_all; i++) {
    const double *found = &atomic_virials[9 * i];
    if (vflag_atom)
      for (int k = 0; k < 6; k++) vatom[i][k] += unit * found[ORDER[k]];
    if (cvflag_atom)
      for (int k = 0; k < 9; k++) cvatom[i][k] += unit * found[ORDER[k]];
  }
}

// How far the models are apart. What fix adapt scales are the forces of the dynamics alone.
void PairDPSE::deviate(const std::vector<dpse_sums> &sums)
{
  say_certificate();
  for (size_t m = 0; m < sums.size(); m++) {
    virials[m].assign(sums[m].virial, sums[m].virial + 9);
    communicated = forces[m].data();
    comm->reverse_comm(this);
    forces[m].resize(3 * (size_t) atom->nlocal);
    for (double &value : forces[m]) value *= energy_unit / length_unit;
    for (double &value : virials[m]) value *= energy_unit;
  }
  deviation_file.write(world, options, update->ntimestep, atom->natoms, atom->nlocal, atom->tag,
                       forces, virials);
}

int PairDPSE::pack_reverse_comm(int n, int begin, double *buffer)
{
  std::memcpy(buffer, communicated + 3 * (size_t) begin, 3 * sizeof(double) * (size_t) n);
  return 3 * n;
}

void PairDPSE::unpack_reverse_comm(int n, int *atoms, double *buffer)
{
  for (int k = 0; k < n; k++)
    for (int axis = 0; axis < 3; axis++)
      communicated[3 * (size_t) atoms[k] + axis] += buffer[3 * k + axis];
}

// The factor that fix adapt asks for. pair_style deepmd takes that of types 1 and 1 for all.
double PairDPSE::scaling()
{
  double found = 1.0;
  bool first = true, same = true;
  for (int i = 1; i <= atom->ntypes; i++)
    for (int j = i; j <= atom->ntypes; j++) {
      if (!counts[i] || !counts[j]) continue;
      if (first) found = scale[i][j];
      first = false;
      same = same && scale[i][j] == found;
    }
  if (same) return found;
  if (!deepmd)
    error->all(FLERR, "pair_style dpse: fix adapt must change scale of all types (* *)");
  if (comm->me == 0)
    warn("fix adapt changes scale of some types only; as in pair_style deepmd, that of the first "
         "type with itself is taken for all");
  return found;
}

// Each line once, whatever numbers are in it.
void PairDPSE::warn(const std::string &text)
{
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::string kind;
    for (char c : line)
      if (!std::isdigit((unsigned char) c)) kind += c;
    if (!kind.empty() && said.insert(kind).second)
      error->warning(FLERR, "pair_style dpse: {}", line);
  }
}

// For fix adapt, and for kspace_style pppm, which is tuned to a cutoff of Coulomb forces.
void *PairDPSE::extract(const char *name, int &dim)
{
  const bool is_cutoff = std::strcmp(name, "cut_coul") == 0;
  dim = is_cutoff ? 0 : 2;
  if (is_cutoff && allocated && !potential) load();    // LAMMPS starts with kspace
  if (is_cutoff) return (void *) &cutoff;
  return std::strcmp(name, "scale") == 0 ? (void *) scale : nullptr;
}

double PairDPSE::memory_usage()
{
  double found = Pair::memory_usage() + rows.bytes() + parameters.bytes();
  found += sizeof(double) *
      (atomic_energies.capacity() + atomic_virials.capacity() + positions.capacity());
  for (const auto &of_model : forces) found += sizeof(double) * of_model.capacity();
  return found;
}
