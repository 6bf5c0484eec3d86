// SPDX-License-Identifier: GPL-2.0-only

#include "placement.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <dirent.h>
#ifdef __linux__
#include <sched.h>
#endif

namespace dpse {
namespace {

constexpr int PROCESSORS = 4096;    // bits of a mask

// Value of the first of these variables that is a number above 0, or -1.
int variable(std::initializer_list<const char *> names)
{
  for (const char *name : names) {
    const char *text = std::getenv(name);
    if (text && *text >= '0' && *text <= '9') return std::atoi(text);
  }
  return -1;
}

void allowed(unsigned char *bits)
{
  std::memset(bits, 0, PROCESSORS / 8);
#ifdef __linux__
  cpu_set_t *set = CPU_ALLOC(PROCESSORS);
  const size_t size = CPU_ALLOC_SIZE(PROCESSORS);
  CPU_ZERO_S(size, set);
  if (sched_getaffinity(0, size, set) == 0)
    for (int k = 0; k < PROCESSORS; k++)
      if (CPU_ISSET_S(k, size, set)) bits[k / 8] |= (unsigned char) (1 << k % 8);
  CPU_FREE(set);
#else
  const int all = std::max(1, (int) std::thread::hardware_concurrency());
  for (int k = 0; k < std::min(all, PROCESSORS); k++)
    bits[k / 8] |= (unsigned char) (1 << k % 8);
#endif
}

int count(const unsigned char *bits)
{
  int found = 0;
  for (int k = 0; k < PROCESSORS; k++) found += bits[k / 8] >> k % 8 & 1;
  return found;
}

}    // namespace

Placement place(MPI_Comm world, bool partitions)
{
  MPI_Comm node;
  MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  Placement found;
  int ranks;
  MPI_Comm_rank(node, &found.rank);
  MPI_Comm_size(node, &ranks);
  unsigned char mine[PROCESSORS / 8], all[PROCESSORS / 8];
  allowed(mine);
  MPI_Allreduce(mine, all, PROCESSORS / 8, MPI_UNSIGNED_CHAR, MPI_BOR, node);
  const int own = count(mine);
  int sum;
  MPI_Allreduce(&own, &sum, 1, MPI_INT, MPI_SUM, node);
  MPI_Comm_free(&node);
  // Ranks that are bound to processors of their own keep them: sum = count(all).
  long share = sum > 0 ? (long) own * count(all) / sum : 1;
  if (partitions) {
    const int launched = variable({"MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE"});
    const int number = variable({"MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK"});
    if (launched > ranks && sum > count(all) / launched) share = share * ranks / launched;
    if (number >= 0) found.rank = number;
  }
  found.threads = (int) std::max(1L, share);
  return found;
}

int count_gpus()
{
  if (const char *visible = std::getenv("CUDA_VISIBLE_DEVICES")) {
    if (*visible == '\0' || *visible == '-') return 0;
    return 1 + (int) std::count(visible, visible + std::strlen(visible), ',');
  }
  int found = 0;
  if (DIR *folder = opendir("/proc/driver/nvidia/gpus")) {
    while (const dirent *entry = readdir(folder)) found += entry->d_name[0] != '.';
    closedir(folder);
  }
  return found;
}

}    // namespace dpse
