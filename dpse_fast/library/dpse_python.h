/* What dpse.c and Python tell each other. */
#ifndef DPSE_PYTHON_H
#define DPSE_PYTHON_H

#include <stddef.h>

#include "dpse.h"

#define DPSE_TEXT_SIZE 4096

/* Of this thread; atom: see dpse_error_atom. */
typedef struct {
    char *error;
    char *warning;
    int *atom;
} dpse_texts;

typedef struct {
    int n;
    const double *positions;
    const int *types;
    const double *cell;
    const int *pbc;
    const double *fparam;
    const double *aparam;
} dpse_structure;

typedef struct {
    double *energy;
    double *forces;
    double *virial;
    double *atomic_energies;
    double *atomic_virials;
} dpse_found;

/* Every function of the library: texts of this thread that are empty, whether Python can be
 * called, and a status from Python's answer. */
dpse_texts dpse_begin(void);
int dpse_can_call(void);
int dpse_end(int answer);

int dpse_python_init(dpse_texts *, const char *model, const char *options, int *potential);
int dpse_python_init_committee(dpse_texts *, int n_models, const char *const *models,
                               const char *options, int *potential);
int dpse_python_free(dpse_texts *, int potential);
int dpse_python_cutoff(dpse_texts *, int potential, double *cutoff);
int dpse_python_n_types(dpse_texts *, int potential, int *n_types);
int dpse_python_n_models(dpse_texts *, int potential, int *n_models);
int dpse_python_deviation_certificate(dpse_texts *, int potential, double *force,
                                      double *rounding);
int dpse_python_type_name(dpse_texts *, int potential, int type, char *name, int size);
int dpse_python_parameters(dpse_texts *, int potential, int *n_frame, int *n_atomic);
int dpse_python_atom_ids(dpse_texts *, int potential, int n, const int64_t *ids);
int dpse_python_compute(dpse_texts *, int potential, const dpse_structure *, dpse_found *);
int dpse_python_compute_nlist(dpse_texts *, int potential, const dpse_list *, dpse_sums *);
int dpse_python_compute_nlist_members(dpse_texts *, int potential, const dpse_list *,
                                      int n_models, dpse_sums *);

/* 0 where a part of this memory cannot be read (written: nor written); 1 where all can,
 * and where the system does not tell. */
int dpse_python_reachable(const void *memory, size_t size, int written);

#endif
