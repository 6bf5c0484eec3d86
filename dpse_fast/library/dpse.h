/* dpse-fast for C, C++ and Fortran: Deep Potential energies, forces and virials.
 *
 * Lengths in Å, energies in eV, forces in eV/Å; matrices by rows. Every function returns
 * DPSE_OK or an error code, and dpse_error() then says what was wrong. Functions may be
 * called from any thread; calls with one potential wait for each other. The first call
 * starts Python, unless the process runs it already. After fork, the child may go on.
 *
 * Arguments are checked: pointers that are NULL, misaligned or (on Linux) lead to memory
 * that is not there, sizes, and numbers. Results are written to memory that no other
 * argument uses. A call that fails has written nothing. Texts are UTF-8; what a path has
 * of other bytes is kept.
 */
#ifndef DPSE_H
#define DPSE_H

#include <stdint.h>

#if defined(_WIN32)
#define DPSE_API
#else
#define DPSE_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum dpse_status {
    DPSE_OK = 0,
    DPSE_INPUT = 1,   /* an argument or a structure that cannot be evaluated */
    DPSE_MODEL = 2,   /* a model file that cannot be read */
    DPSE_HANDLE = 3,  /* no such potential */
    DPSE_PYTHON = 4,  /* Python or dpse-fast cannot be started */
    DPSE_INTERNAL = 5 /* anything else */
};

/* A caller's full neighbour list over local atoms and explicit ghosts. */
typedef struct {
    int n_all;               /* atoms with ghosts (periodic images too) */
    int n_rows;              /* rows of the list, may be 0 */
    const double *positions; /* 3 n_all */
    const int *types;        /* n_all */
    const int *centres;      /* n_rows, the atom of each row; NULL: 0, 1, 2 ... */
    const int64_t *first;    /* n_rows + 1, where each row starts in neighbours, from 0 */
    const int *neighbours;   /* first[n_rows], all atoms within the cutoff, and others */
    const int *type_map;     /* n_caller_types: the model's type of each of the caller's,
                                -1: does not exist; NULL: types are the model's */
    int n_caller_types;      /* 0 without type_map */
    int same_list;           /* not 0: types and list are those of the last call that
                                gave any, which must not have failed; only positions
                                have changed, and other arrays are not looked at */
    const double *fparam;    /* frame parameters; NULL: none, or the model's default */
    const double *aparam;    /* atomic parameters, row after row, or NULL */
} dpse_list;

/* What dpse_compute_nlist finds; pointers may be NULL where not wanted. */
typedef struct {
    double energy;
    double virial[9];        /* -sum dE_i/dd (x) d of all pairs, d = x_j - x_i */
    double *forces;          /* 3 n_all, ADDED to; those on ghosts belong to their owners */
    double *atomic_energies; /* n_rows */
    double *atomic_virials;  /* 9 n_all; a pair's part is on its neighbour */
    double *pair_gradients;  /* 3 first[n_rows], dE_i/dd in the order of the list */
} dpse_sums;

/* The text of this thread's last error; "" if there was none. */
DPSE_API const char *dpse_error(void);

/* The place in positions of the atom that this thread's last error is about; -1: it is
 * about none, or there was none. */
DPSE_API int dpse_error_atom(void);

/* What this thread's last call warned of, line by line; each kind comes once. */
DPSE_API const char *dpse_warning(void);

/* Load a model. model: a file, or NULL for the embedded water model (demonstration).
 * options: "precision=mixed tol=1e-5 threads=2 device=cuda:0 sel_overflow=warn
 * head=NAME gemm=tf32x3 deterministic=no skin=1.0", any of them, or NULL. */
DPSE_API int dpse_init(const char *model, const char *options, int *potential);

/* Load a committee: n_models models, 2 or more, as dpse_init does one, which are evaluated
 * together on one neighbour list. Its types and parameters are those of the first model;
 * the others have all of these types by name, in any order. What dpse_compute and
 * dpse_compute_nlist give is the driver's. More options: "driver=mean" (the mean of all;
 * first is the default), and "deviation_tol=1e-3": the models other than the first are
 * planned for this tolerance, eV/Å, since they only tell a deviation; 0: as the first. */
DPSE_API int dpse_init_committee(int n_models, const char *const *models,
                                 const char *options, int *potential);

DPSE_API int dpse_free(int potential);

DPSE_API int dpse_cutoff(int potential, double *cutoff);
DPSE_API int dpse_n_types(int potential, int *n_types);

/* How many models a potential has; 1: it is none of dpse_init_committee. */
DPSE_API int dpse_n_models(int potential, int *n_models);

/* By how much the plans of a committee's models change the deviation of a force, at most:
 * force (eV/Å), and rounding for each eV/Å of the largest force. Measured, not proven. Both
 * are -1 as long as a model has no plan: one of more than eight types gets it in the first
 * call. */
DPSE_API int dpse_deviation_certificate(int potential, double *force, double *rounding);

/* The name of a type, ended by a 0, into size bytes. */
DPSE_API int dpse_type_name(int potential, int type, char *name, int size);

/* How many frame and atomic parameters the model takes. */
DPSE_API int dpse_parameters(int potential, int *n_frame, int *n_atomic);

/* What errors and warnings of later calls call atoms: "atom ID" and these n numbers,
 * which are copied, instead of places in positions. n = 0 and NULL: places again. */
DPSE_API int dpse_atom_ids(int potential, int n, const int64_t *ids);

/* Energy, forces and virial of n atoms; the neighbour list is kept from call to call.
 * types: of the model, -1: a virtual atom. cell: 9 numbers, rows a, b, c,
 * or NULL. pbc: 3 flags, 0 or 1; NULL: periodic if there is a cell. aparam: n rows.
 * energy (1) and forces (3 n) are always written; virial (9), atomic_energies (n),
 * atomic_virials (9 n): NULL where not wanted. */
DPSE_API int dpse_compute(int potential, int n, const double *positions, const int *types,
                          const double *cell, const int *pbc, const double *fparam,
                          const double *aparam, double *energy, double *forces,
                          double *virial, double *atomic_energies,
                          double *atomic_virials);

DPSE_API int dpse_compute_nlist(int potential, const dpse_list *list, dpse_sums *sums);

/* As dpse_compute_nlist, of the first n_models models of a committee, each into its own of
 * n_models sums, whichever is the driver. 1: the first alone, in steps that need no
 * deviation. Calls with other numbers of models may share a list (same_list). */
DPSE_API int dpse_compute_nlist_members(int potential, const dpse_list *list, int n_models,
                                        dpse_sums *sums);

#ifdef __cplusplus
}
#endif

#endif
