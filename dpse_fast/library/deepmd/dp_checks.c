/* What is refused of a call before anything is done. */
#include "dp_objects.h"

/* Whether the caller's memory is there, as far as the system tells: see dpse_memory.c. */
static bool is_there(dp_object *object, const char *name, const void *memory, size_t size,
                     int written)
{
    if (!memory || !size || dpse_python_reachable(memory, size, written)) return true;
    dp_fail(object, "%s: expected a place for %zu bytes, got the address %p, where they cannot "
            "be %s", name, size, memory, written ? "written" : "read");
    return false;
}

/* Rows at the place of their atom may end anywhere. */
static bool is_list_there(dp_object *object, const dp_nlist *list)
{
    if (!list) return true;
    if (!is_there(object, "nlist", list, sizeof *list, 0)) return false;
    const size_t rows = list->n_rows > 0 ? (size_t)list->n_rows : 0;
    const size_t in_order = list->by_atom ? 0 : rows;
    return is_there(object, "ilist", list->centres, rows * sizeof(int), 0) &&
           is_there(object, "numneigh", list->lengths, in_order * sizeof(int), 0) &&
           is_there(object, "firstneigh", list->neighbours, in_order * sizeof(int *), 0);
}

/* What this file reads and writes itself; dpse.h checks what it gets as it came. */
static bool are_there(dp_object *object, const dp_call *call)
{
    const size_t frames = (size_t)call->n_frames, n = frames * (size_t)call->n_atoms;
    const size_t models = (size_t)object->n_models;
    const bool single = call->single, listed = call->listed;
    const size_t real = single ? sizeof(float) : sizeof(double);
    const size_t n_local = n - frames * (size_t)call->n_ghosts;
    const dp_nlist *list = listed ? call->nlist : NULL;
    const size_t kinds = call->mixed ? n : (size_t)call->n_atoms;
    const size_t frame = (size_t)object->n_frame, atomic = (size_t)object->n_atomic;
    return is_there(object, "atype", call->types, kinds * sizeof(int), 0) &&
           is_list_there(object, list) &&
           is_there(object, "energy", call->energy, models * frames * sizeof(double), 1) &&
           is_there(object, "virial", call->virial, 9 * models * frames * real, 1) &&
           is_there(object, "force", single || listed ? call->force : NULL,
                    3 * models * n * real, 1) &&
           is_there(object, "atomic_energy", single || listed ? call->atomic_energy : NULL,
                    models * n * real, 1) &&
           is_there(object, "aparam", single || listed ? call->aparam : NULL,
                    n_local * atomic * real, 0) &&
           (!single || (is_there(object, "coord", call->coord, 3 * n * real, 0) &&
                        is_there(object, "cell", listed ? NULL : call->cell,
                                 9 * frames * real, 0) &&
                        is_there(object, "fparam", call->fparam, frames * frame * real, 0) &&
                        is_there(object, "atomic_virial", call->atomic_virial,
                                 9 * models * n * real, 1)));
}

bool dp_is_call(dp_object *object, const dp_call *call)
{
    if (call->n_frames < 1 || (object->n_models > 1 && call->n_frames != 1))
        dp_fail(object, "nframes: expected %s, got %d",
                object->n_models > 1 ? "1 with several models" : "at least 1", call->n_frames);
    else if (call->n_atoms < 0)
        dp_fail(object, "natoms: expected 0 or more, got %d", call->n_atoms);
    else if (call->n_ghosts < 0 || call->n_ghosts > call->n_atoms)
        dp_fail(object, "nghost: expected 0 to %d, the number of all atoms, got %d",
                call->n_atoms, call->n_ghosts);
    else if (call->n_atoms && (!call->coord || !call->types))
        dp_fail(object, "coord, atype: expected those of %d atoms, got NULL", call->n_atoms);
    else if (call->listed && !call->nlist)
        dp_fail(object, "nlist: expected one of DP_NewNlist, got NULL");
    else
        return are_there(object, call);
    return false;
}
