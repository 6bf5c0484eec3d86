/* New and deleted models that are evaluated: DeepPot and DeepPotModelDevi. */
#include "dp_objects.h"

DP_API dp_object *DP_NewDeepPot(const char *model)
{
    return dp_open(1, &model, -1, 0, NULL, NULL);
}

/* A text cannot hold a file, which has zeros. */
DP_API dp_object *DP_NewDeepPotWithParam(const char *model, int gpu_rank, const char *content)
{
    dp_object *object;
    if (!content || !*content) return dp_open(1, &model, gpu_rank, 0, NULL, NULL);
    object = dp_new();
    if (!object) return NULL;
    dp_fail(object, "c_file_content: expected an empty text, since a text ends at the first 0 "
            "of a file; DP_NewDeepPotWithParam2 takes the size");
    object->broken = true;
    return object;
}

DP_API dp_object *DP_NewDeepPotWithParam2(const char *model, int gpu_rank, const char *content,
                                          int size)
{
    return dp_open(1, &model, gpu_rank, 1, &content, &size);
}

DP_API dp_object *DP_NewDeepPotModelDevi(const char **models, int n_models)
{
    return dp_open(n_models, models, -1, 0, NULL, NULL);
}

DP_API dp_object *DP_NewDeepPotModelDeviWithParam(const char **models, int n_models,
                                                  int gpu_rank, const char **contents,
                                                  int n_contents, const int *sizes)
{
    return dp_open(n_models, models, gpu_rank, n_contents, contents, sizes);
}

#define DELETES(kind) \
    DP_API void DP_Delete##kind(dp_object *object) { dp_delete(object); }

DELETES(DeepBaseModel)
DELETES(DeepBaseModelDevi)
DELETES(DeepPot)
DELETES(DeepPotModelDevi)
DELETES(DeepSpin)
DELETES(DeepSpinModelDevi)
DELETES(DeepTensor)
DELETES(DipoleChargeModifier)
