/* What the functions DP_* ask of Python beside what dpse.h has. */
#ifndef DP_PYTHON_H
#define DP_PYTHON_H

#include "dpse_python.h"

/* A model: a file, or its content (size bytes, 0: none). rank: of the node, which decides
 * between its GPUs; options come from the environment. */
int dpse_python_open(dpse_texts *, const char *model, const char *content, int size, int rank,
                     int *potential);

int dpse_python_default_fparam(dpse_texts *, int potential, int *has);

/* A graph of TensorFlow as text into one that is not. */
int dpse_python_convert(dpse_texts *, const char *text, const char *graph);

/* Lines about the engine and its options, at most size bytes. */
int dpse_python_summary(dpse_texts *, char *text, int size);

#endif
