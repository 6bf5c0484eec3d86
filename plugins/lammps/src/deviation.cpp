// SPDX-License-Identifier: GPL-2.0-only
// Deviations as the paper on DP-GEN defines them (Zhang et al., Comput. Phys. Commun.
// 2020), with what deepmd-kit's documentation says of virials and relative ones:
// of a vector, the root of the mean square distance to the models' mean.

#include "deviation.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <limits>
#include <numeric>

namespace dpse {
namespace {

// Of each group of `width` numbers; `norms` gets the length of the mean.
std::vector<double> deviations(const std::vector<std::vector<double>> &models, int width,
                               std::vector<double> &norms)
{
  const std::size_t n = models[0].size() / width;
  const double count = (double) models.size();
  std::vector<double> found(n);
  norms.assign(n, 0.0);
  for (std::size_t i = 0; i < n; i++) {
    double squares = 0, length = 0;
    for (int k = 0; k < width; k++) {
      double mean = 0;
      for (const auto &model : models) mean += model[width * i + k];
      mean /= count;
      length += mean * mean;
      for (const auto &model : models) {
        const double off = model[width * i + k] - mean;
        squares += off * off;
      }
    }
    found[i] = std::sqrt(squares / count);
    norms[i] = std::sqrt(length);
  }
  return found;
}

// Values of all ranks in the order of the atoms' IDs, on the first rank.
std::vector<double> gathered(MPI_Comm world, int n_local, const LAMMPS_NS::tagint *tags,
                             const std::vector<double> &values)
{
  int me, ranks;
  MPI_Comm_rank(world, &me);
  MPI_Comm_size(world, &ranks);
  std::vector<int> counts(ranks), starts(ranks);
  MPI_Gather(&n_local, 1, MPI_INT, counts.data(), 1, MPI_INT, 0, world);
  std::partial_sum(counts.begin(), counts.end() - 1, starts.begin() + 1);
  const int total = me == 0 ? starts.back() + counts.back() : 0;
  std::vector<LAMMPS_NS::tagint> all_tags(total);
  std::vector<double> all(total), sorted(total);
  MPI_Gatherv(tags, n_local, MPI_LMP_TAGINT, all_tags.data(), counts.data(), starts.data(),
              MPI_LMP_TAGINT, 0, world);
  MPI_Gatherv(values.data(), n_local, MPI_DOUBLE, all.data(), counts.data(), starts.data(),
              MPI_DOUBLE, 0, world);
  std::vector<int> order(total);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) { return all_tags[a] < all_tags[b]; });
  for (int k = 0; k < total; k++) sorted[k] = all[order[k]];
  return sorted;
}

}    // namespace

DeviationFile::~DeviationFile()
{
  if (file_) fclose(file_);
}

bool DeviationFile::open(const Options &options, bool append)
{
  if (file_ && name_ == options.out_file) return true;
  if (file_) fclose(file_);
  name_ = options.out_file;
  file_ = fopen(options.out_file.c_str(), append ? "a" : "w");
  if (!file_) return false;
  if (!append) {
    fprintf(file_, "#%11s", "step");
    for (const char *name :
         {"max_devi_v", "min_devi_v", "avg_devi_v", "max_devi_f", "min_devi_f", "avg_devi_f"})
      fprintf(file_, "%19s", name);
    if (options.atomic) fprintf(file_, "%19s", "atm_devi_f(N)");
    fprintf(file_, "\n");
    fflush(file_);
  }
  return true;
}

void DeviationFile::write(MPI_Comm world, const Options &options, LAMMPS_NS::bigint step,
                          LAMMPS_NS::bigint n_atoms, int n_local, const LAMMPS_NS::tagint *tags,
                          const std::vector<std::vector<double>> &forces,
                          const std::vector<std::vector<double>> &virials)
{
  std::vector<double> norms;
  std::vector<double> off = deviations(forces, 3, norms);
  if (options.relative >= 0)
    for (int i = 0; i < n_local; i++) off[i] /= norms[i] + options.relative;

  // max, -min and sum of this rank's atoms
  double mine[2] = {0.0, -std::numeric_limits<double>::max()}, sum = 0, extremes[2], total;
  for (double value : off) {
    mine[0] = std::max(mine[0], value);
    mine[1] = std::max(mine[1], -value);
    sum += value;
  }
  MPI_Reduce(mine, extremes, 2, MPI_DOUBLE, MPI_MAX, 0, world);
  MPI_Reduce(&sum, &total, 1, MPI_DOUBLE, MPI_SUM, 0, world);

  auto whole = virials;
  for (std::size_t m = 0; m < virials.size(); m++)
    MPI_Reduce(virials[m].data(), whole[m].data(), 9, MPI_DOUBLE, MPI_SUM, 0, world);
  std::vector<double> each;
  if (options.atomic) each = gathered(world, n_local, tags, off);
  if (!file_) return;

  std::vector<double> off_v = deviations(whole, 1, norms);
  double squares = 0;
  for (int k = 0; k < 9; k++) {
    off_v[k] /= (double) n_atoms;
    if (options.relative_v >= 0)
      off_v[k] /= norms[k] / (double) n_atoms + options.relative_v;
    squares += off_v[k] * off_v[k];
  }
  fprintf(file_, "%12" PRId64, (int64_t) step);
  const auto range = std::minmax_element(off_v.begin(), off_v.end());
  for (double value : {*range.second, *range.first, std::sqrt(squares / 9), extremes[0],
                       -extremes[1], total / (double) n_atoms})
    fprintf(file_, " %18.6e", value);
  for (double value : each) fprintf(file_, " %18.6e", value);
  fprintf(file_, "\n");
  fflush(file_);
}

}    // namespace dpse
