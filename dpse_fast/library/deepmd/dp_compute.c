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

/* Where the results of the k-th frame or model begin. */
static dp_call results_of(const dp_call *call, size_t k)
{
    dp_call one = *call;
    const size_t n = (size_t)call->n_atoms;
    one.energy = call->energy ? call->energy + k : NULL;
    one.force = (void *)after(call->force, 3 * n * k, call->single);
    one.virial = (void *)after(call->virial, 9 * k, call->single);
    one.atomic_energy = (void *)after(call->atomic_energy, n * k, call->single);
    one.atomic_virial = (void *)after(call->atomic_virial, 9 * n * k, call->single);
    return one;
}

static dp_call frame_of(const dp_object *object, const dp_call *call, size_t k)
{
    dp_call one = results_of(call, k);
    const size_t n = (size_t)call->n_atoms, n_local = n - (size_t)call->n_ghosts;
    one.coord = after(call->coord, 3 * n * k, call->single);
    one.cell = after(call->cell, 9 * k, call->single);
    one.fparam = after(call->fparam, (size_t)object->n_frame * k, call->single);
    one.aparam = after(call->aparam, (size_t)object->n_atomic * n_local * k, call->single);
    one.types = call->mixed && call->types ? call->types + n * k : call->types;
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

/* A frame with the engine's own neighbour list. */
static bool compute_frame(dp_object *object, int m, const dp_call *call)
{
    const size_t n = (size_t)call->n_atoms;
    const bool single = call->single;
    double energy = 0, virial[9] = {0};
    if (n) {
        int *types = dp_room(object, &object->types, n, sizeof(int));
        const double *coord = given(object, &object->positions, call->coord, 3 * n, single);
        const double *cell = given(object, &object->cell, call->cell, 9, single);
        const double *fparam = given(object, &object->fparam, call->fparam,
                                     (size_t)object->n_frame, single);
        const double *aparam = given(object, &object->aparam, call->aparam,
                                     (size_t)object->n_atomic * n, single);
        double *forces = place(object, &object->forces, call->force, 3 * n, single);
        double *energies = NULL, *virials = NULL;
        if (call->atomic_energy)
            energies = place(object, &object->energies, call->atomic_energy, n, single);
        if (call->atomic_virial)
            virials = place(object, &object->virials, call->atomic_virial, 9 * n, single);
        if (object->no_memory) return false;
        if (dp_known_types(object, call->types, call->n_atoms, types)) warn_of_types(object);
        if (failed(object, dpse_compute(object->potentials[m], call->n_atoms, coord, types,
                                        cell, NULL, fparam, aparam, &energy, forces, virial,
                                        energies, virials)))
            return false;
        put(call->force, forces, 3 * n, single);
        put(call->atomic_energy, energies, n, single);
        put(call->atomic_virial, virials, 9 * n, single);
    }
    if (call->energy) *call->energy = energy;
    put(call->virial, virial, 9, single);
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

/* Energies of rows at their atoms; those of ghosts are 0. */
static void put_energies(const dp_call *call, const dp_rows *rows, const double *found)
{
    const int *centres = rows->centres.memory;
    const size_t size = call->single ? sizeof(float) : sizeof(double);
    memset(call->atomic_energy, 0, (size_t)call->n_atoms * size);
    for (int row = 0; row < rows->n_rows; row++) {
        if (call->single)
            ((float *)call->atomic_energy)[centres[row]] = (float)found[row];
        else
            ((double *)call->atomic_energy)[centres[row]] = found[row];
    }
}

/* A frame with the list of the caller. */
static bool compute_listed(dp_object *object, int m, const dp_call *call)
{
    const size_t n = (size_t)call->n_atoms;
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
        .same_list = object->seen[m] == rows->version,
        .fparam = given(object, &object->fparam, call->fparam, (size_t)object->n_frame, single),
        .aparam = row_parameters(object, call),
    };
    dpse_sums sums = {0};
    if (call->force) sums.forces = place(object, &object->forces, call->force, 3 * n, single);
    if (call->atomic_energy)
        sums.atomic_energies = dp_room(object, &object->energies, n, sizeof(double));
    if (call->atomic_virial)
        sums.atomic_virials = place(object, &object->virials, call->atomic_virial, 9 * n, single);
    if (object->no_memory) return false;
    if (sums.forces && n) memset(sums.forces, 0, 3 * n * sizeof(double));
    object->seen[m] = 0;
    if (failed(object, dpse_compute_nlist(object->potentials[m], &list, &sums))) return false;
    object->seen[m] = rows->version;
    if (call->energy) *call->energy = sums.energy;
    put(call->virial, sums.virial, 9, single);
    put(call->force, sums.forces, 3 * n, single);
    put(call->atomic_virial, sums.atomic_virials, 9 * n, single);
    if (call->atomic_energy) put_energies(call, rows, sums.atomic_energies);
    return true;
}

static void compute_all(dp_object *object, const dp_call *call)
{
    for (int m = 0; m < object->n_models; m++)
        for (int frame = 0; frame < call->n_frames; frame++) {
            dp_call one = frame_of(object, call, (size_t)frame);
            if (m) one = results_of(call, (size_t)m);
            if (!(call->listed ? compute_listed : compute_frame)(object, m, &one)) return;
        }
}

void dp_compute(dp_object *object, const dp_call *call)
{
    if (!dp_begin_call(object)) return;
    if (dp_is_call(object, call)) compute_all(object, call);
    dp_end_call(object);
}
