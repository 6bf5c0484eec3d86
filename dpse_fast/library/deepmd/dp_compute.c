/* One call: frames of one model, or one frame of several. */
#include "dp_objects.h"

#include <stdio.h>
#include <string.h>

/* Numbers of the caller in double: where they are, or a copy; NULL for none. */
static const double *given(dp_object *object, dp_buffer *buffer, const void *numbers, size_t n,
                           bool single)
{
    if (!numbers || !n || !single) return n ? numbers : NULL;
    double *copy = dp_room(object, buffer, n, sizeof(double));
    for (size_t k = 0; copy && k < n; k++) copy[k] = ((const float *)numbers)[k];
    return copy;
}

static const void *after(const void *numbers, size_t n, bool single)
{
    return numbers ? (const char *)numbers + n * (single ? sizeof(float) : sizeof(double)) : NULL;
}

/* Where the engine writes n results: the caller's place if it can, else a buffer. */
static double *place(dp_object *object, dp_buffer *buffer, void *wanted, size_t n, bool single)
{
    return wanted && !single ? wanted : dp_room(object, buffer, n, sizeof(double));
}

static void put(void *wanted, const double *found, size_t n, bool single)
{
    if (!wanted || wanted == (const void *)found || !n) return;
    if (single)
        for (size_t k = 0; k < n; k++) ((float *)wanted)[k] = (float)found[k];
    else
        memcpy(wanted, found, n * sizeof(double));
}

/* The k-th frame of one model. */
static dp_call frame_of(const dp_object *object, const dp_call *call, size_t k)
{
    dp_call one = *call;
    const size_t n = (size_t)call->n_atoms, n_local = n - (size_t)call->n_ghosts;
    one.coord = after(call->coord, 3 * n * k, call->single);
    one.cell = after(call->cell, 9 * k, call->single);
    one.fparam = after(call->fparam, (size_t)object->n_frame * k, call->single);
    one.aparam = after(call->aparam, (size_t)object->n_atomic * n_local * k, call->single);
    one.types = call->mixed && call->types ? call->types + n * k : call->types;
    one.energy = call->energy ? call->energy + k : NULL;
    one.force = (void *)after(call->force, 3 * n * k, call->single);
    one.virial = (void *)after(call->virial, 9 * k, call->single);
    one.atomic_energy = (void *)after(call->atomic_energy, n * k, call->single);
    one.atomic_virial = (void *)after(call->atomic_virial, 9 * n * k, call->single);
    return one;
}

static bool failed(dp_object *object, int status)
{
    if (status) dp_fail(object, "%s", dpse_error());
    dp_warn();
    return status != DPSE_OK;
}

static void warn_of_types(dp_object *object)
{
    if (object->warned_of_types) return;
    object->warned_of_types = true;
    fprintf(stderr, "dpse-fast: warning: types of %d and more are left out as virtual atoms, "
            "since the model has types 0 to %d\n", object->n_types, object->n_types - 1);
}

/* All models of a frame, or the only one. */
static int evaluate(dp_object *object, const dpse_structure *given, dpse_found *found)
{
    const int potential = object->potential, n_models = object->n_models;
    if (n_models == 1)
        return dpse_compute(potential, given->n, given->positions, given->types, given->cell,
                            given->pbc, given->fparam, given->aparam, found->energy,
                            found->forces, found->virial, found->atomic_energies,
                            found->atomic_virials);
    dpse_texts texts = dpse_begin();
    return dpse_end(dpse_can_call() ? dpse_python_compute_members(&texts, potential, given,
                                                                  n_models, found)
                                    : 0);
}

/* A frame with the engine's own neighbour list; results of each model one after the other. */
static bool compute_frame(dp_object *object, const dp_call *call)
{
    const size_t n = (size_t)call->n_atoms, models = (size_t)object->n_models;
    const bool single = call->single;
    /* Of each model the pointers, its energy and its virial. */
    dpse_found *found = dp_room(object, &object->results, models,
                                sizeof(dpse_found) + 10 * sizeof(double));
    if (!found) return false;
    double *energies_of_all = (double *)(found + models);
    double *virials_of_all = energies_of_all + models;
    memset(energies_of_all, 0, 10 * models * sizeof(double));
    if (n) {
        int *types = dp_room(object, &object->types, n, sizeof(int));
        const double *coord = given(object, &object->positions, call->coord, 3 * n, single);
        const double *cell = given(object, &object->cell, call->cell, 9, single);
        const double *fparam = given(object, &object->fparam, call->fparam,
                                     (size_t)object->n_frame, single);
        const double *aparam = given(object, &object->aparam, call->aparam,
                                     (size_t)object->n_atomic * n, single);
        double *forces = place(object, &object->forces, call->force, 3 * n * models, single);
        double *energies = NULL, *virials = NULL;
        if (call->atomic_energy)
            energies = place(object, &object->energies, call->atomic_energy, n * models, single);
        if (call->atomic_virial)
            virials = place(object, &object->virials, call->atomic_virial, 9 * n * models,
                            single);
        if (object->no_memory) return false;
        if (dp_known_types(object, call->types, call->n_atoms, types)) warn_of_types(object);
        for (size_t m = 0; m < models; m++)
            found[m] = (dpse_found){
                .energy = energies_of_all + m,
                .forces = forces + 3 * n * m,
                .virial = virials_of_all + 9 * m,
                .atomic_energies = energies ? energies + n * m : NULL,
                .atomic_virials = virials ? virials + 9 * n * m : NULL,
            };
        const dpse_structure structure = {call->n_atoms, coord, types, cell, NULL, fparam,
                                          aparam};
        if (failed(object, evaluate(object, &structure, found))) return false;
        put(call->force, forces, 3 * n * models, single);
        put(call->atomic_energy, energies, n * models, single);
        put(call->atomic_virial, virials, 9 * n * models, single);
    }
    if (call->energy) memcpy(call->energy, energies_of_all, models * sizeof(double));
    put(call->virial, virials_of_all, 9 * models, single);
    return true;
}

/* Atomic parameters in the order of rows. */
static const double *row_parameters(dp_object *object, const dp_call *call)
{
    const dp_rows *rows = &object->rows;
    const size_t width = (size_t)object->n_atomic;
    const int *centres = rows->centres.memory;
    if (!width || !call->aparam) return NULL;
    if (rows->in_order)
        return given(object, &object->aparam, call->aparam, width * (size_t)rows->n_local,
                     call->single);
    double *found = dp_room(object, &object->aparam, width * (size_t)rows->n_rows,
                            sizeof(double));
    for (int row = 0; found && row < rows->n_rows; row++)
        for (size_t k = 0; k < width; k++) {
            const size_t at = width * (size_t)centres[row] + k;
            found[width * (size_t)row + k] = call->single ? ((const float *)call->aparam)[at]
                                                          : ((const double *)call->aparam)[at];
        }
    return found;
}

/* Energies of rows at their atoms, of the m-th model; those of ghosts are 0. */
static void put_energies(const dp_call *call, const dp_rows *rows, const double *found, size_t m)
{
    const int *centres = rows->centres.memory;
    const size_t size = call->single ? sizeof(float) : sizeof(double), n = (size_t)call->n_atoms;
    char *place = (char *)call->atomic_energy + n * m * size;
    memset(place, 0, n * size);
    for (int row = 0; row < rows->n_rows; row++) {
        if (call->single)
            ((float *)place)[centres[row]] = (float)found[row];
        else
            ((double *)place)[centres[row]] = found[row];
    }
}

/* A frame with the list of the caller; results of each model one after the other. */
static bool compute_listed(dp_object *object, const dp_call *call)
{
    const size_t n = (size_t)call->n_atoms, models = (size_t)object->n_models;
    const bool single = call->single;
    dp_rows *rows = &object->rows;
    if (!dp_update_rows(object, call)) return false;
    dpse_list list = {
        .n_all = rows->n_all,
        .n_rows = rows->n_rows,
        .positions = given(object, &object->positions, call->coord, 3 * n, single),
        .types = rows->types.memory,
        .centres = rows->centres.memory,
        .first = rows->first.memory,
        .neighbours = rows->neighbours.memory,
        .same_list = object->seen == rows->version,
        .fparam = given(object, &object->fparam, call->fparam, (size_t)object->n_frame, single),
        .aparam = row_parameters(object, call),
    };
    double *forces = NULL, *energies = NULL, *virials = NULL;
    dpse_sums *sums = dp_room(object, &object->results, models, sizeof(dpse_sums));
    if (call->force)
        forces = place(object, &object->forces, call->force, 3 * n * models, single);
    if (call->atomic_energy)
        energies = dp_room(object, &object->energies, n * models, sizeof(double));
    if (call->atomic_virial)
        virials = place(object, &object->virials, call->atomic_virial, 9 * n * models, single);
    if (object->no_memory) return false;
    if (forces && n) memset(forces, 0, 3 * n * models * sizeof(double));
    for (size_t m = 0; m < models; m++)
        sums[m] = (dpse_sums){
            .forces = forces ? forces + 3 * n * m : NULL,
            .atomic_energies = energies ? energies + n * m : NULL,
            .atomic_virials = virials ? virials + 9 * n * m : NULL,
        };
    object->seen = 0;
    if (failed(object, dpse_compute_nlist_members(object->potential, &list, object->n_models,
                                                  sums)))
        return false;
    object->seen = rows->version;
    for (size_t m = 0; m < models; m++) {
        if (call->energy) call->energy[m] = sums[m].energy;
        put((void *)after(call->virial, 9 * m, single), sums[m].virial, 9, single);
        if (call->atomic_energy) put_energies(call, rows, sums[m].atomic_energies, m);
    }
    put(call->force, forces, 3 * n * models, single);
    put(call->atomic_virial, virials, 9 * n * models, single);
    return true;
}

static void compute_all(dp_object *object, const dp_call *call)
{
    for (int frame = 0; frame < call->n_frames; frame++) {
        const dp_call one = frame_of(object, call, (size_t)frame);
        if (!(call->listed ? compute_listed : compute_frame)(object, &one)) return;
    }
}

void dp_compute(dp_object *object, const dp_call *call)
{
    if (!dp_begin_call(object)) return;
    if (dp_is_call(object, call)) compute_all(object, call);
    dp_end_call(object);
}
