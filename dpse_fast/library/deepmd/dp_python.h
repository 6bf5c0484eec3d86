/* What the functions DP_* ask of Python beside what dpse.h has. */
#ifndef DP_PYTHON_H
#define DP_PYTHON_H

#include "dpse_python.h"

/* A model, or n_models of a committee: files, or their contents (sizes in bytes, 0: none;
 * both may be NULL). rank: of the node, which decides between its GPUs; options come from
 * the environment. */
int dpse_python_open(dpse_texts *, int n_models, const char *const *models,
                     const char *const *contents, const int *sizes, int rank, int *potential);

/* As dpse_compute, of all models of a committee, each into its own place in found. */
int dpse_python_compute_members(dpse_texts *, int potential, const dpse_structure *,
                                int n_models, dpse_found *found);

int dpse_python_default_fparam(dpse_texts *, int potential, int *has);

/* A graph of TensorFlow as text into one that is not. */
int dpse_python_convert(dpse_texts *, const char *text, const char *graph);

/* Lines about the engine and its options, at most size bytes. */
int dpse_python_summary(dpse_texts *, char *text, int size);

#endif
