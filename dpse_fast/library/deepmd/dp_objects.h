/* Objects behind the opaque pointers of deepmd-kit's C interface.
 *
 * One structure serves all kinds of models, since functions of the interface for a base
 * model take any of them. Lengths in Å, energies in eV, as in dpse.h. */
#ifndef DP_OBJECTS_H
#define DP_OBJECTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dp_python.h"

#define DP_API __attribute__((visibility("default")))
#define DP_INTERFACE "C interface of deepmd-kit 3.2"

/* Memory that is used again in later calls. */
typedef struct {
    void *memory;
    size_t size;
} dp_buffer;

/* The caller's neighbour list; row k belongs to atom ilist[k]. */
typedef struct {
    int n_rows;
    const int *centres;
    const int *lengths;
    int *const *neighbours;
    int mask;
    bool by_atom; /* lengths and neighbours have the place of the atom, as in LAMMPS */
} dp_nlist;

/* The last list, without atoms that the model does not have. */
typedef struct {
    int version, n_made; /* 0: none */
    int n_all, n_local, n_listed, n_rows;
    bool in_order; /* row k is atom k */
    dp_buffer given_types, types, centres, first, neighbours, lengths;
} dp_rows;

typedef struct dp_object {
    struct dp_object *older; /* the one that was made before */
    pthread_mutex_t busy;    /* in a call */
    bool in_call;
    char error[DPSE_TEXT_SIZE];
    bool read;   /* by a check function: the next call may forget it */
    bool said;   /* on standard error, since nobody had read it */
    bool broken; /* it was not made; every call says why */
    int n_models;  /* 0: none was loaded */
    int potential; /* the number of dpse.h; with several models, a committee */
    int seen;      /* the version of rows that it has */
    double cutoff;
    int n_types, n_frame, n_atomic, default_fparam;
    char *type_map; /* names with a space between */
    bool no_memory, warned_of_types;
    dp_rows rows;
    dp_buffer types, positions, cell, fparam, aparam;
    dp_buffer forces, energies, virials, results;
} dp_object;

/* New objects; without memory: NULL. */
dp_object *dp_new(void);
dp_object *dp_open(int n_models, const char *const *models, int rank, int n_contents,
                   const char *const *contents, const int *sizes);
void dp_delete(dp_object *object);

/* An error, in words as of printf; one that nobody has read stays. */
void dp_fail(dp_object *object, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What a check function returns. */
const char *dp_check(dp_object *object);

/* Whether a call may go on: forgets an error that was read, and says one on standard error
 * that nobody has read. A call that goes on has the object until dp_end_call. */
bool dp_begin_call(dp_object *object);
void dp_end_call(dp_object *object);

/* The objects that exist: dp_new enters one, dp_delete leaves (false: there was none). */
void dp_enter(dp_object *object);
bool dp_leave(dp_object *object);
bool dp_exists(const dp_object *object);

/* One call at a time has an object. */
void dp_take(dp_object *object);
void dp_give_back(dp_object *object);

/* A text that DP_DeleteChar frees. */
char *dp_text(const char *text, size_t size);

/* Memory for n items, or an error of the object and NULL. */
void *dp_room(dp_object *object, dp_buffer *buffer, size_t n, size_t item);

/* Warnings of the last call of dpse.h, on standard error. */
void dp_warn(void);

/* Text that a C++ program finds in its std::cout, a C program on standard output. */
void dp_print(const char *text);

/* A sentence if a program in this process calls functions of a newer interface, or "". */
const char *dp_newer_client(void);

/* A call of one of the functions DP_*Compute*. */
typedef struct {
    int n_frames, n_atoms;
    bool single;     /* numbers are float, but energies */
    bool mixed;      /* types of each frame */
    bool listed;     /* with the list of the caller */
    const void *coord, *cell, *fparam, *aparam, *charge_spin;
    const int *types;
    int n_ghosts, ago;
    const dp_nlist *nlist;
    double *energy;
    void *force, *virial, *atomic_energy, *atomic_virial;
} dp_call;

/* Whether numbers and memory of a call are right; else an error. */
bool dp_is_call(dp_object *object, const dp_call *call);

/* Frames of one model, or one frame of several; results one after the other. */
void dp_compute(dp_object *object, const dp_call *call);

/* The list of a call, unless it is the last one. */
bool dp_update_rows(dp_object *object, const dp_call *call);

/* Types with those that the model does not have as -1. */
bool dp_known_types(dp_object *object, const int *given, int n, int *types);

#endif
