/* The functions DP_*Compute*: the names and arguments of the interface. */
#include "dp_objects.h"

#define STRUCTURE(real) const real *coord, const int *atype, const real *cell
#define RESULTS(real) \
    double *energy, real *force, real *virial, real *atomic_energy, real *atomic_virial
#define LIST int nghost, const dp_nlist *nlist, int ago
#define PARAMETERS(real) const real *fparam, const real *aparam

/* A call with all that the functions have in common, and the rest. */
#define CALL(real, frames, ...)                                                             \
    dp_compute(dp, &(dp_call){.single = sizeof(real) == sizeof(float), .n_frames = frames,  \
                              .n_atoms = natoms, .coord = coord, .types = atype,            \
                              .cell = cell, .energy = energy, .force = force,               \
                              .virial = virial, .atomic_energy = atomic_energy,             \
                              .atomic_virial = atomic_virial, __VA_ARGS__})
#define GIVEN .fparam = fparam, .aparam = aparam
#define LISTED .listed = true, .n_ghosts = nghost, .nlist = nlist, .ago = ago

#define FUNCTIONS(kind, real, f)                                                            \
    DP_API void DP_##kind##Compute##f(dp_object *dp, int natoms, STRUCTURE(real),           \
                                      RESULTS(real))                                        \
    {                                                                                       \
        CALL(real, 1, .ago = 0);                                                            \
    }                                                                                       \
    DP_API void DP_##kind##Compute##f##2(dp_object *dp, int nframes, int natoms,            \
                                         STRUCTURE(real), PARAMETERS(real), RESULTS(real))  \
    {                                                                                       \
        CALL(real, nframes, GIVEN);                                                         \
    }                                                                                       \
    DP_API void DP_##kind##Compute##f##3(dp_object *dp, int nframes, int natoms,            \
                                         STRUCTURE(real), PARAMETERS(real),                 \
                                         const real *charge_spin, RESULTS(real))            \
    {                                                                                       \
        (void)charge_spin; /* as many numbers as DP_*GetDimChgSpin says: none */            \
        CALL(real, nframes, GIVEN);                                                         \
    }                                                                                       \
    DP_API void DP_##kind##ComputeNList##f(dp_object *dp, int natoms, STRUCTURE(real),      \
                                           LIST, RESULTS(real))                             \
    {                                                                                       \
        CALL(real, 1, LISTED);                                                              \
    }                                                                                       \
    DP_API void DP_##kind##ComputeNList##f##2(dp_object *dp, int nframes, int natoms,       \
                                              STRUCTURE(real), LIST, PARAMETERS(real),      \
                                              RESULTS(real))                                \
    {                                                                                       \
        CALL(real, nframes, LISTED, GIVEN);                                                 \
    }                                                                                       \
    DP_API void DP_##kind##ComputeNList##f##3(dp_object *dp, int nframes, int natoms,       \
                                              STRUCTURE(real), LIST, PARAMETERS(real),      \
                                              const real *charge_spin, RESULTS(real))       \
    {                                                                                       \
        (void)charge_spin;                                                                  \
        CALL(real, nframes, LISTED, GIVEN);                                                 \
    }

FUNCTIONS(DeepPot, double, )
FUNCTIONS(DeepPot, float, f)
FUNCTIONS(DeepPotModelDevi, double, )
FUNCTIONS(DeepPotModelDevi, float, f)

/* Types of each frame; a type of -1 fills up frames with fewer atoms. */
#define MIXED(real, f)                                                                      \
    DP_API void DP_DeepPotComputeMixedType##f(dp_object *dp, int nframes, int natoms,       \
                                              STRUCTURE(real), PARAMETERS(real),            \
                                              RESULTS(real))                                \
    {                                                                                       \
        CALL(real, nframes, GIVEN, .mixed = true);                                          \
    }

MIXED(double, )
MIXED(float, f)
