/* Functions of models that are not evaluated: they exist, and the check functions of
 * their objects say why they do nothing. Arguments are not looked at. */
#include "dp_objects.h"

static dp_object *refused(const char *what)
{
    dp_object *object = dp_new();
    if (!object) return NULL;
    dp_fail(object, "%s: dpse-fast does not evaluate them; unset LD_PRELOAD or "
            "LD_LIBRARY_PATH to run this with deepmd-kit's own library", what);
    object->broken = true;
    return object;
}

#define SPIN "DeepSpin (models with spins, pair_style deepspin)"
#define TENSOR "DeepTensor (dipoles, polarisabilities and other tensors; DPLR)"
#define DIPOLE "DipoleChargeModifier (charges of dipoles; DPLR)"

#define MAKES(name, what) \
    DP_API dp_object *DP_New##name(void) { return refused(what); }

MAKES(DeepSpin, SPIN)
MAKES(DeepSpinWithParam2, SPIN)
MAKES(DeepSpinModelDevi, SPIN)
MAKES(DeepSpinModelDeviWithParam, SPIN)
MAKES(DeepTensor, TENSOR)
MAKES(DeepTensorWithParam, TENSOR)
MAKES(DipoleChargeModifier, DIPOLE)
MAKES(DipoleChargeModifierWithParam, DIPOLE)

/* Objects of these kinds carry their error from the beginning. */
#define NOTHING(name) \
    DP_API void DP_##name(dp_object *object) { (void)object; }

#define OF_SPINS(kind)             \
    NOTHING(kind##Compute2)        \
    NOTHING(kind##Compute3)        \
    NOTHING(kind##Computef2)       \
    NOTHING(kind##Computef3)       \
    NOTHING(kind##ComputeNList2)   \
    NOTHING(kind##ComputeNList3)   \
    NOTHING(kind##ComputeNListf2)  \
    NOTHING(kind##ComputeNListf3)

OF_SPINS(DeepSpin)
OF_SPINS(DeepSpinModelDevi)
NOTHING(DeepSpinComputeCanonicalGraphGPU)
NOTHING(DipoleChargeModifierComputeNList)
NOTHING(DipoleChargeModifierComputeNListf)

/* A client of tensors frees what it gets, and takes as much of it as it is told. */
#define TENSORS(name, real)                                                              \
    DP_API void DP_DeepTensorComputeTensor##name(dp_object *object, int natoms,          \
                                                 const real *coord, const int *atype,    \
                                                 const real *cell, LIST##name            \
                                                     real **tensor, int *size)           \
    {                                                                                    \
        (void)object, (void)natoms, (void)coord, (void)atype, (void)cell;                \
        UNUSED##name;                                                                    \
        none((void **)tensor, size);                                                     \
    }                                                                                    \
    DP_API void DP_DeepTensorCompute##name(dp_object *object, int natoms,                \
                                           const real *coord, const int *atype,          \
                                           const real *cell, LIST##name real *tensor,    \
                                           real *force, real *virial, real **atomic,     \
                                           real *atomic_virial, int *size)               \
    {                                                                                    \
        (void)object, (void)natoms, (void)coord, (void)atype, (void)cell;                \
        (void)tensor, (void)force, (void)virial, (void)atomic_virial;                    \
        UNUSED##name;                                                                    \
        none((void **)atomic, size);                                                     \
    }
#define LIST
#define LISTf
#define LISTNList int nghost, const dp_nlist *nlist,
#define LISTNListf LISTNList
#define UNUSED (void)0
#define UNUSEDf (void)0
#define UNUSEDNList (void)nghost, (void)nlist
#define UNUSEDNListf UNUSEDNList

static void none(void **numbers, int *size)
{
    if (numbers) *numbers = NULL;
    if (size) *size = 0;
}

TENSORS(, double)
TENSORS(f, float)
TENSORS(NList, double)
TENSORS(NListf, float)

DP_API int DP_DeepTensorGetOutputDim(dp_object *object) { return (void)object, 0; }

#define SELECTED(kind)                                                                  \
    DP_API int DP_##kind##GetNumbSelTypes(dp_object *object) { return (void)object, 0; } \
    DP_API int *DP_##kind##GetSelTypes(dp_object *object)                               \
    {                                                                                   \
        static int none_selected[1];                                                    \
        return (void)object, none_selected;                                             \
    }

SELECTED(DeepTensor)
SELECTED(DipoleChargeModifier)

/* Whether a model can be evaluated from arrays of a GPU; the answer sends clients to the
 * functions for arrays of the host. */
#define NO(name) \
    DP_API bool DP_##name(dp_object *object) { return (void)object, false; }

NO(DeepPotSupportsDeviceEdgeInference)
NO(DeepPotUsesFP32EdgeVectors)
NO(DeepPotUsesCanonicalGraphInference)
NO(DeepSpinUsesCanonicalGraphInference)
NO(DeepSpinUsesNativeSpinScheme)

#define OF_DEVICE(name)                                                                  \
    DP_API void DP_##name(dp_object *object)                                             \
    {                                                                                    \
        if (!dp_begin_call(object)) return;                                              \
        dp_fail(object, #name ": dpse-fast does not take arrays of a GPU here; "         \
                "DP_DeepPotSupportsDeviceEdgeInference says so");                        \
        dp_end_call(object);                                                             \
    }

OF_DEVICE(DeepPotComputeEdgesGPU)
OF_DEVICE(DeepPotComputeEdgesGPUFloat32)
OF_DEVICE(DeepPotComputeCanonicalGraphGPU)
