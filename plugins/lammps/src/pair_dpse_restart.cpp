// SPDX-License-Identifier: GPL-2.0-only
// Restart files keep the words of pair_style and pair_coeff; the models are opened
// when the next run begins, so that other commands can replace them first. Those of
// pair_style deepmd keep nothing; a stand-in for it reads and writes the same files.

#include "pair_dpse.h"

#include "comm.h"
#include "error.h"

using namespace LAMMPS_NS;

namespace {

using Words = std::vector<std::string>;

void write_words(FILE *file, const Words &words)
{
  const int count = (int) words.size();
  fwrite(&count, sizeof(int), 1, file);
  for (const std::string &word : words) {
    const int size = (int) word.size();
    fwrite(&size, sizeof(int), 1, file);
    fwrite(word.data(), 1, size, file);
  }
}

}    // namespace

void PairDPSE::write_restart(FILE *file)
{
  if (deepmd) return;
  write_restart_settings(file);
  write_words(file, given_coeff);
}

void PairDPSE::write_restart_settings(FILE *file)
{
  if (!deepmd) write_words(file, given_settings);
}

// What read_restart hands to each rank; the first one reads.
static Words read_words(FILE *file, int me, MPI_Comm world, Error *error)
{
  int count = 0;
  if (me == 0) utils::sfread(FLERR, &count, sizeof(int), 1, file, nullptr, error);
  MPI_Bcast(&count, 1, MPI_INT, 0, world);
  Words words(count);
  for (std::string &word : words) {
    int size = 0;
    if (me == 0) utils::sfread(FLERR, &size, sizeof(int), 1, file, nullptr, error);
    MPI_Bcast(&size, 1, MPI_INT, 0, world);
    word.resize(size);
    if (me == 0 && size) utils::sfread(FLERR, &word[0], 1, size, file, nullptr, error);
    MPI_Bcast(&word[0], size, MPI_CHAR, 0, world);
  }
  return words;
}

void PairDPSE::read_restart(FILE *file)
{
  read_restart_settings(file);
  if (!deepmd) apply_coeff(read_words(file, comm->me, world, error));
}

void PairDPSE::read_restart_settings(FILE *file)
{
  if (!deepmd) apply_settings(read_words(file, comm->me, world, error));
  from_restart = true;
}
