// SPDX-License-Identifier: GPL-2.0-only
// pair_style dpse: Deep Potential models, evaluated by dpse-fast.

#ifndef LMP_PAIR_DPSE_H
#define LMP_PAIR_DPSE_H

#include "deviation.h"
#include "list_rows.h"
#include "options.h"
#include "pair.h"
#include "parameters.h"
#include "potential.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace LAMMPS_NS {

class PairDPSE : public Pair {
 public:
  // deepmd: as a stand-in for pair_style deepmd, whose restart files have no models and
  // whose pair_coeff takes any number of names.
  PairDPSE(class LAMMPS *, bool deepmd);
  ~PairDPSE() override;

  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  double init_one(int, int) override;
  void compute(int, int) override;
  void *extract(const char *, int &) override;
  double memory_usage() override;

  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;

  void write_restart(FILE *) override;
  void read_restart(FILE *) override;
  void write_restart_settings(FILE *) override;
  void read_restart_settings(FILE *) override;

 private:
  using Words = std::vector<std::string>;

  const bool deepmd;
  Words given_settings, given_coeff;    // as in the input script, kept in restart files
  dpse::Options options;
  dpse::Parameters parameters;
  std::unique_ptr<dpse::Potential> potential;    // of all models; the first one drives
  std::vector<bool> counts;    // of each of LAMMPS' types: is it in the models
  double cutoff;               // largest of the models, in the run's units
  double energy_unit;          // eV in the run's units
  double length_unit;          // Å in the run's units
  double **scale;              // of fix adapt; the same for all pairs of types
  bool from_restart;
  bool is_ready;      // for the steps of a run: nothing has changed since init_style
  bool is_checked;    // the list of this run

  dpse::ListRows rows;
  int64_t copy;                                        // that is in rows
  int64_t seen;                                        // copy that the models had last
  std::vector<double> positions;                       // Å, if the run's are not
  std::vector<double> atomic_energies, atomic_virials;
  std::vector<std::vector<double>> forces, virials;    // of each model, eV/Å and eV
  double *communicated;                                // forces of one of them
  dpse::DeviationFile deviation_file;
  std::set<std::string> said;
  bool is_certified;    // the log has the certificate of these models

  void set_units();
  void apply_settings(const Words &);
  void apply_coeff(const Words &);
  void allocate();
  void forget_coeff();
  void set_flags(const Words &names);
  bool are_all_types(const char *) const;
  void load();
  std::string load_here(const Words &models, const std::string &given, const Words &names);
  std::string place();
  Words model_files() const;
  Words type_names() const;
  void map_types(const Words &names);
  Words first_types();
  Words fitted(const Words &names);
  void warn(const std::string &);
  bool writes_deviation() const;
  void say_certificate();
  void end_together(const std::string &wrong, bool of_ghost = false);
  void check_list();
  bool excludes() const;
  double scaling();
  dpse_list listed();
  void evaluate(dpse_list &, std::vector<dpse_sums> &);
  void add(const dpse_sums &, double unit);
  void deviate(const std::vector<dpse_sums> &);
};

}    // namespace LAMMPS_NS

#endif
