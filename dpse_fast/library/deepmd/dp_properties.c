/* What a model is: cutoff, types, parameters; and the check functions. */
#include "dp_objects.h"

#include <string.h>

#define COMMON(kind)                                                       \
    DP_API double DP_##kind##GetCutoff(dp_object *object)                  \
    {                                                                      \
        return dp_exists(object) ? object->cutoff : 0.0;                   \
    }                                                                      \
    DP_API int DP_##kind##GetNumbTypes(dp_object *object)                  \
    {                                                                      \
        return dp_exists(object) ? object->n_types : 0;                    \
    }                                                                      \
    DP_API const char *DP_##kind##CheckOK(dp_object *object)               \
    {                                                                      \
        return dp_check(object);                                           \
    }

#define OF_ENERGIES(kind)                                                  \
    COMMON(kind)                                                           \
    DP_API int DP_##kind##GetNumbTypesSpin(dp_object *object)              \
    {                                                                      \
        (void)object;                                                      \
        return 0;                                                          \
    }                                                                      \
    DP_API int DP_##kind##GetDimFParam(dp_object *object)                  \
    {                                                                      \
        return dp_exists(object) ? object->n_frame : 0;                    \
    }                                                                      \
    DP_API int DP_##kind##GetDimAParam(dp_object *object)                  \
    {                                                                      \
        return dp_exists(object) ? object->n_atomic : 0;                   \
    }                                                                      \
    DP_API bool DP_##kind##IsAParamNAll(dp_object *object)                 \
    {                                                                      \
        (void)object;                                                      \
        return false;                                                      \
    }                                                                      \
    DP_API bool DP_##kind##HasDefaultFParam(dp_object *object)             \
    {                                                                      \
        return dp_exists(object) && object->default_fparam;                \
    }

#define TYPE_MAP(kind)                                                     \
    DP_API const char *DP_##kind##GetTypeMap(dp_object *object)            \
    {                                                                      \
        const char *names = dp_exists(object) ? object->type_map : NULL;   \
        if (!names) names = "";                                            \
        return dp_text(names, strlen(names));                              \
    }

/* A total charge and spin is an input that no model here has. */
#define CHARGE_SPIN(kind)                                                  \
    DP_API int DP_##kind##GetDimChgSpin(dp_object *object)                 \
    {                                                                      \
        (void)object;                                                      \
        return 0;                                                          \
    }                                                                      \
    DP_API void DP_##kind##SetChargeSpin(dp_object *object, const double *values, int n) \
    {                                                                      \
        (void)values;                                                      \
        if (!dp_begin_call(object)) return;                                \
        if (n != 0)                                                        \
            dp_fail(object, "charge_spin: expected no numbers, the model takes none, got %d", \
                    n);                                                    \
        dp_end_call(object);                                               \
    }

OF_ENERGIES(DeepBaseModel)
OF_ENERGIES(DeepBaseModelDevi)
OF_ENERGIES(DeepPot)
OF_ENERGIES(DeepPotModelDevi)
OF_ENERGIES(DeepSpin)
OF_ENERGIES(DeepSpinModelDevi)
COMMON(DeepTensor)
COMMON(DipoleChargeModifier)
TYPE_MAP(DeepBaseModel)
TYPE_MAP(DeepPot)
TYPE_MAP(DeepSpin)
TYPE_MAP(DeepTensor)
CHARGE_SPIN(DeepPot)
CHARGE_SPIN(DeepPotModelDevi)
CHARGE_SPIN(DeepSpin)
CHARGE_SPIN(DeepSpinModelDevi)
