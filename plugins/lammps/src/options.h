// SPDX-License-Identifier: GPL-2.0-only
// The words of pair_style dpse, which are also those of pair_style deepmd.

#ifndef DPSE_OPTIONS_H
#define DPSE_OPTIONS_H

#include <string>
#include <vector>

namespace dpse {

struct Options {
  std::vector<std::string> models;    // files, or "demo"; may be empty
  std::string engine;                 // "precision=mixed tol=1e-4", for dpse_init
  std::string device;                 // "" is auto
  int threads = 0;                    // of a rank; 0: its share of the processors
  std::vector<double> fparam, aparam;
  std::string fparam_compute, fparam_fix, aparam_compute, ttm;    // IDs
  int fparam_index = 0;    // where fparam starts in the fix's vector, from 1; 0: its scalar

  // Are there parameters that change from step to step?
  bool has_sources() const
  {
    return !(fparam_compute + fparam_fix + aparam_compute + ttm).empty();
  }
  std::string deviation_tol;    // eV/Å, of all models but the first; "": as the first
  int out_freq = 100;           // steps
  std::string out_file = "model_devi.out";

  // Is there a deviation to write?
  bool has_deviation() const { return models.size() > 1 && out_freq > 0; }
  bool atomic = false;
  double relative = -1, relative_v = -1;    // negative: absolute deviations
};

// Throws std::invalid_argument with a sentence that names the word.
Options parse(const std::vector<std::string> &words);

// Options of the engine that the environment sets (DPSE_TOL=0 ...) and the words do not:
// unchanged scripts of pair_style deepmd have no words for them. DPSE_DEVIATION_TOL is passed
// over where no deviation is written. Throws std::invalid_argument
// for a variable that does not exist.
std::vector<std::string> of_environment(const std::vector<std::string> &words);

// Words with blanks between them, for messages.
std::string joined(const std::vector<std::string> &words);

}    // namespace dpse

#endif
