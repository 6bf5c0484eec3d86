/* Neighbour lists of the caller, and the rows that the engine gets of them. */
#include "dp_objects.h"

#include <stdlib.h>
#include <string.h>

DP_API dp_nlist *DP_NewNlist(int n_rows, int *centres, int *lengths, int **neighbours)
{
    dp_nlist *list = calloc(1, sizeof *list);
    if (!list) return NULL;
    list->n_rows = n_rows;
    list->centres = centres;
    list->lengths = lengths;
    list->neighbours = neighbours;
    list->mask = -1;
    return list;
}

/* How ghost atoms are exchanged is for models whose messages pass between atoms; here
 * an atom's energy depends on its neighbours alone. These lists are LAMMPS'. Older clients
 * do not give the last argument. */
DP_API dp_nlist *DP_NewNlist_comm(int n_rows, int *centres, int *lengths, int **neighbours,
                                  int n_swaps, int *send_numbers, int *receive_numbers,
                                  int *first_received, int **send_lists, int *send_ranks,
                                  int *receive_ranks, void *world, int n_ranks)
{
    dp_nlist *list = DP_NewNlist(n_rows, centres, lengths, neighbours);
    (void)n_swaps, (void)send_numbers, (void)receive_numbers, (void)first_received;
    (void)send_lists, (void)send_ranks, (void)receive_ranks, (void)world, (void)n_ranks;
    if (list) list->by_atom = true;
    return list;
}

DP_API void DP_NlistSetMask(dp_nlist *list, int mask)
{
    if (list) list->mask = mask;
}

/* Owners of ghost atoms, for models whose messages pass between atoms. */
DP_API void DP_NlistSetMapping(dp_nlist *list, int *mapping) { (void)list, (void)mapping; }

DP_API void DP_DeleteNlist(dp_nlist *list) { free(list); }

/* Lists are checked where they are used. */
DP_API const char *DP_NlistCheckOK(dp_nlist *list)
{
    const char *text = list ? "" : "nlist: expected one of this library, got NULL";
    return dp_text(text, strlen(text));
}

bool dp_known_types(dp_object *object, const int *given, int n, int *types)
{
    bool others = false;
    for (int i = 0; i < n; i++) {
        const bool known = given[i] >= 0 && given[i] < object->n_types;
        others |= given[i] >= object->n_types;
        types[i] = known ? given[i] : -1;
    }
    return others;
}

static int row_place(const dp_nlist *list, int k)
{
    return list->by_atom ? list->centres[k] : k;
}

static bool has_rows(dp_object *object, const dp_nlist *list)
{
    if (list->n_rows <= 0 || (list->centres && list->lengths && list->neighbours)) return true;
    dp_fail(object, "nlist: expected ilist, numneigh and firstneigh for %d rows, got NULL",
            list->n_rows);
    return false;
}

static bool is_list(dp_object *object, const dp_nlist *list, int n_all, int n_local)
{
    if (list->n_rows < 0 || list->n_rows > n_local) {
        dp_fail(object, "inum: expected 0 to %d rows, one for each local atom, got %d", n_local,
                list->n_rows);
        return false;
    }
    for (int k = 0; k < list->n_rows; k++) {
        const int centre = list->centres[k];
        if (centre < 0 || centre >= n_local) {
            dp_fail(object, "ilist: expected local atoms, 0 to %d, got %d in row %d",
                    n_local - 1, centre, k);
            return false;
        }
        const int length = list->lengths[row_place(list, k)];
        if (length < 0 || length > n_all) {
            dp_fail(object, "numneigh: expected 0 to %d neighbours of atom %d, got %d", n_all,
                    centre, length);
            return false;
        }
        if (length && !list->neighbours[row_place(list, k)]) {
            dp_fail(object, "firstneigh: expected %d neighbours of atom %d, got NULL", length,
                    centre);
            return false;
        }
    }
    return true;
}

/* `ago` says that the list is the last one. It is read again if atoms have come or gone,
 * have other types (Monte Carlo swaps them so), or if its rows have other lengths. */
static bool is_last(const dp_object *object, const dp_call *call)
{
    const dp_rows *rows = &object->rows;
    const dp_nlist *list = call->nlist;
    const size_t n = (size_t)call->n_atoms;
    if (call->ago <= 0 || !rows->version || rows->n_all != call->n_atoms ||
        rows->n_local != call->n_atoms - call->n_ghosts)
        return false;
    if (n && memcmp(rows->given_types.memory, call->types, n * sizeof(int)) != 0) return false;
    if (list->n_rows != rows->n_listed) return list->n_rows == 0;
    const int *lengths = rows->lengths.memory;
    for (int k = 0; k < list->n_rows; k++)
        if (lengths[k] != list->lengths[row_place(list, k)]) return false;
    return true;
}

/* Rows of atoms that the model has, with neighbours that it has. */
static bool copy_rows(dp_object *object, const dp_nlist *list)
{
    dp_rows *rows = &object->rows;
    const int *types = rows->types.memory;
    int64_t *first = rows->first.memory, n = 0;
    int *centres = rows->centres.memory, *lengths = rows->lengths.memory;
    int *neighbours = rows->neighbours.memory;
    rows->n_rows = 0;
    rows->in_order = true;
    first[0] = 0;
    for (int k = 0; k < list->n_rows; k++) {
        const int centre = list->centres[k], place = row_place(list, k);
        const int *row = list->neighbours[place], length = list->lengths[place];
        lengths[k] = length;
        if (types[centre] < 0) continue;
        for (int m = 0; m < length; m++) {
            const int j = row[m] & list->mask;
            if (j < 0 || j >= rows->n_all) {
                dp_fail(object, "firstneigh: expected atoms 0 to %d, got %d as a neighbour of "
                        "atom %d", rows->n_all - 1, j, centre);
                return false;
            }
            if (types[j] >= 0) neighbours[n++] = j;
        }
        rows->in_order &= centre == rows->n_rows;
        centres[rows->n_rows++] = centre;
        first[rows->n_rows] = n;
    }
    rows->in_order &= rows->n_rows == rows->n_local;
    return true;
}

bool dp_update_rows(dp_object *object, const dp_call *call)
{
    dp_rows *rows = &object->rows;
    const dp_nlist *list = call->nlist;
    const size_t n_all = (size_t)call->n_atoms, n_rows = (size_t)list->n_rows;
    size_t total = 0;
    if (!has_rows(object, list)) return false;
    if (is_last(object, call)) return true;
    rows->version = 0;
    if (!is_list(object, list, call->n_atoms, call->n_atoms - call->n_ghosts)) return false;
    for (int k = 0; k < list->n_rows; k++) total += (size_t)list->lengths[row_place(list, k)];
    if (!dp_room(object, &rows->given_types, n_all, sizeof(int)) ||
        !dp_room(object, &rows->types, n_all, sizeof(int)) ||
        !dp_room(object, &rows->centres, n_rows, sizeof(int)) ||
        !dp_room(object, &rows->lengths, n_rows, sizeof(int)) ||
        !dp_room(object, &rows->first, n_rows + 1, sizeof(int64_t)) ||
        !dp_room(object, &rows->neighbours, total, sizeof(int)))
        return false;
    rows->n_all = call->n_atoms;
    rows->n_local = call->n_atoms - call->n_ghosts;
    rows->n_listed = list->n_rows;
    if (n_all) memcpy(rows->given_types.memory, call->types, n_all * sizeof(int));
    dp_known_types(object, call->types, call->n_atoms, rows->types.memory);
    if (!copy_rows(object, list)) return false;
    rows->version = ++rows->n_made;
    return true;
}
