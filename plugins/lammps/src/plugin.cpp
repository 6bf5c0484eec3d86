// SPDX-License-Identifier: GPL-2.0-only
// What LAMMPS looks for in a shared object whose name ends in plugin.so.

#include "pair_dpse.h"

#include "force.h"
#include "lammps.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// LAMMPS' C library interface, of the executable or library that loads this.
extern "C" int lammps_version(void *);
extern "C" int lammps_extract_setting(void *, const char *);

namespace {

using LAMMPS_NS::LAMMPS;
using LAMMPS_NS::Pair;
using LAMMPS_NS::PairDPSE;

constexpr const char *DEEPMD = "DPSE_LAMMPS_DEEPMD";    // variable: be pair_style deepmd too

// LAMMPS' developer documentation, "Writing plugins": what a plugin hands over.
struct Registration {
  const char *version, *style, *name, *info, *author;
  Pair *(*create)(LAMMPS *);
  void *handle;
};
using Register = void (*)(Registration *, void *);

Pair *create(LAMMPS *lmp) { return new PairDPSE(lmp, false); }
Pair *create_deepmd(LAMMPS *lmp) { return new PairDPSE(lmp, true); }

// Of a stable release: 0 for the first, then those of its updates; -1 of other builds.
int update_of_running()
{
  const std::string tag = LAMMPS::git_descriptor();
  if (tag.compare(0, 7, "stable_") != 0 || tag.find('-') != std::string::npos) return -1;
  const std::size_t found = tag.find("_update");
  return found == std::string::npos ? 0 : std::atoi(tag.c_str() + found + 7);
}

std::string release(int version, int update)
{
  const std::string number = std::to_string(version);
  return update > 0 ? number + " update " + std::to_string(update) : number;
}

// Classes of another release may be laid out otherwise, and so may those of another
// update of it: such a plugin must not run.
bool suits(void *lmp)
{
  const int version = lammps_version(lmp), update = update_of_running();
  const int tag = lammps_extract_setting(lmp, "tagint");
  const bool same_update = update < 0 || DPSE_LAMMPS_UPDATE < 0 || update == DPSE_LAMMPS_UPDATE;
  const bool same_sizes = tag == (int) sizeof(LAMMPS_NS::tagint) &&
      lammps_extract_setting(lmp, "bigint") == (int) sizeof(LAMMPS_NS::bigint);
  if (version == DPSE_LAMMPS_VERSION && same_update && same_sizes) return true;
  fprintf(stderr,
          "WARNING: pair_style dpse is left out: it was built for LAMMPS %s with %d-byte atom "
          "IDs and %d-byte counts, and this is LAMMPS %s with %d and %d; build the plugin again\n",
          release(DPSE_LAMMPS_VERSION, DPSE_LAMMPS_UPDATE).c_str(),
          (int) sizeof(LAMMPS_NS::tagint), (int) sizeof(LAMMPS_NS::bigint),
          release(version, update).c_str(), tag, lammps_extract_setting(lmp, "bigint"));
  return false;
}

// The name deepmd itself: asked for by the variable, or by -sf dpse, for which LAMMPS must
// know the name where it follows another part of a hybrid style. Never in place of another.
bool is_deepmd_wanted(const LAMMPS *lmp)
{
  const char *value = std::getenv(DEEPMD);
  const bool asked = value && *value && std::strcmp(value, "0") != 0;
  bool suffix = false;    // also one of the two of -sf hybrid
  for (const char *one : {lmp->suffix, lmp->suffix2})
    suffix = suffix || (one && std::strcmp(one, "dpse") == 0);
  const auto found = lmp->force->pair_map->find("deepmd");
  if (found == lmp->force->pair_map->end()) return asked || suffix;
  if (asked && found->second != create_deepmd)
    fprintf(stderr,
            "WARNING: %s has no effect: another plugin has pair_style deepmd already; to run "
            "it with dpse-fast, start LAMMPS with -sf dpse\n",
            DEEPMD);
  return false;
}

}    // namespace

extern "C" __attribute__((visibility("default"))) void lammpsplugin_init(void *lmp, void *handle,
                                                                         void *regfunc)
{
  if (!suits(lmp)) return;
  LAMMPS *lammps = static_cast<LAMMPS *>(lmp);
  Registration plugin = {};
  plugin.version = lammps->version;
  plugin.style = "pair";
  plugin.info = "Deep Potential models with dpse-fast";
  plugin.author = "the authors of dpse-fast";
  plugin.handle = handle;
  plugin.name = "dpse";
  plugin.create = create;
  reinterpret_cast<Register>(regfunc)(&plugin, lmp);
  plugin.name = "deepmd/dpse";    // pair_style deepmd with -sf dpse
  plugin.create = create_deepmd;
  reinterpret_cast<Register>(regfunc)(&plugin, lmp);
  if (!is_deepmd_wanted(lammps)) return;
  plugin.name = "deepmd";
  reinterpret_cast<Register>(regfunc)(&plugin, lmp);
}
