// SPDX-License-Identifier: GPL-2.0-only
// What LAMMPS looks for in a shared object whose name ends in plugin.so.

#include "pair_dpse.h"

#include <cstdio>

// LAMMPS' C library interface, of the executable or library that loads this.
extern "C" int lammps_version(void *);
extern "C" int lammps_extract_setting(void *, const char *);

namespace {

// LAMMPS' developer documentation, "Writing plugins": what a plugin hands over.
struct Registration {
  const char *version, *style, *name, *info, *author;
  LAMMPS_NS::Pair *(*create)(LAMMPS_NS::LAMMPS *);
  void *handle;
};
using Register = void (*)(Registration *, void *);

LAMMPS_NS::Pair *create(LAMMPS_NS::LAMMPS *lmp) { return new LAMMPS_NS::PairDPSE(lmp); }

// Classes of another release may be laid out otherwise: such a plugin must not run.
bool suits(void *lmp)
{
  const int version = lammps_version(lmp);
  const int tag = lammps_extract_setting(lmp, "tagint");
  if (version == DPSE_LAMMPS_VERSION && tag == (int) sizeof(LAMMPS_NS::tagint)) return true;
  fprintf(stderr,
          "WARNING: pair_style dpse is left out: it was built for LAMMPS %d with %d-byte atom "
          "IDs, and this is LAMMPS %d with %d-byte ones; build the plugin again\n",
          DPSE_LAMMPS_VERSION, (int) sizeof(LAMMPS_NS::tagint), version, tag);
  return false;
}

}    // namespace

extern "C" __attribute__((visibility("default"))) void lammpsplugin_init(void *lmp, void *handle,
                                                                         void *regfunc)
{
  if (!suits(lmp)) return;
  Registration plugin = {};
  plugin.version = static_cast<LAMMPS_NS::LAMMPS *>(lmp)->version;
  plugin.style = "pair";
  plugin.name = "dpse";
  plugin.info = "Deep Potential models with dpse-fast";
  plugin.author = "the authors of dpse-fast";
  plugin.create = create;
  plugin.handle = handle;
  reinterpret_cast<Register>(regfunc)(&plugin, lmp);
}
