// SPDX-License-Identifier: GPL-2.0-only
// The words of pair_style dpse.

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
  int out_freq = 100;    // steps
  std::string out_file = "model_devi.out";
  bool atomic = false;
  double relative = -1, relative_v = -1;    // negative: absolute deviations
};

// Throws std::invalid_argument with a sentence that names the word.
Options parse(const std::vector<std::string> &words);

// Words with blanks between them, for messages.
std::string joined(const std::vector<std::string> &words);

}    // namespace dpse

#endif
