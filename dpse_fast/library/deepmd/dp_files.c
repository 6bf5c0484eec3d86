/* Files, texts, and selections of atoms by type: functions without a model. */
#include "dp_objects.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The content of a file, or NULL and a sentence. */
static char *content(const char *name, size_t *size, char *wrong, size_t room)
{
    char *found = NULL;
    size_t held = 0, n = 0;
    FILE *file = name ? fopen(name, "rb") : NULL;
    *size = 0;
    if (!file) {
        snprintf(wrong, room, "%s: cannot be read: %s", name ? name : "NULL",
                 name ? strerror(errno) : "expected the name of a file");
        return NULL;
    }
    for (;;) {
        if (held - n < 2) {
            char *more = held < INT_MAX ? realloc(found, held = 2 * held + 65536) : NULL;
            if (!more) {
                snprintf(wrong, room, "%s: is too large for this function", name);
                break;
            }
            found = more;
        }
        const size_t got = fread(found + n, 1, held - n - 1, file);
        n += got;
        if (got) continue;
        if (ferror(file)) {
            snprintf(wrong, room, "%s: cannot be read: %s", name, strerror(errno));
            break;
        }
        if (n > INT_MAX) {
            snprintf(wrong, room, "%s: is too large for this function", name);
            break;
        }
        fclose(file);
        found[n] = '\0';
        *size = n;
        return found;
    }
    fclose(file);
    free(found);
    return NULL;
}

/* A size below 0 is that of an error's text. */
DP_API const char *DP_ReadFileToChar2(const char *name, int *size)
{
    char wrong[DPSE_TEXT_SIZE];
    size_t n;
    char *found = content(name, &n, wrong, sizeof wrong);
    if (size) *size = found ? (int)n : -(int)strlen(wrong);
    return found ? found : dp_text(wrong, strlen(wrong));
}

/* There is no place for an error but standard error. */
DP_API const char *DP_ReadFileToChar(const char *name)
{
    char wrong[DPSE_TEXT_SIZE];
    size_t n;
    char *found = content(name, &n, wrong, sizeof wrong);
    if (!found) fprintf(stderr, "dpse-fast: DP_ReadFileToChar: %s\n", wrong);
    return found ? found : dp_text("", 0);
}

DP_API void DP_DeleteChar(const char *text) { free((void *)text); }

DP_API void DP_ConvertPbtxtToPb(const char *pbtxt, const char *pb)
{
    dpse_texts texts = dpse_begin();
    if (dpse_end(dpse_can_call() ? dpse_python_convert(&texts, pbtxt, pb) : 0))
        fprintf(stderr, "dpse-fast: DP_ConvertPbtxtToPb: %s\n", dpse_error());
}

static bool is_selected(int type, const int *selected, int n)
{
    for (int k = 0; k < n; k++)
        if (selected[k] == type) return true;
    return false;
}

/* fwd_map: the place of each atom among those selected, -1 for others; bkw_map: the other
 * way round. */
DP_API void DP_SelectByType(int natoms, const int *atype, int nghost, int nsel_type,
                            const int *sel_type, int *fwd_map, int *nreal, int *bkw_map,
                            int *nghost_real)
{
    int n = 0, ghosts = 0;
    for (int i = 0; i < natoms; i++) {
        const bool selected = is_selected(atype[i], sel_type, nsel_type);
        if (fwd_map) fwd_map[i] = selected ? n : -1;
        if (!selected) continue;
        if (bkw_map) bkw_map[n] = i;
        ghosts += i >= natoms - nghost;
        n++;
    }
    if (nreal) *nreal = n;
    if (nghost_real) *nghost_real = ghosts;
}

/* Rows of `stride` numbers of nall1 atoms at their places among nall2; 0 where none is. */
DP_API void DP_SelectMapInt(const int *in, const int *fwd_map, int stride, int nall1, int nall2,
                            int *out)
{
    if (!out || stride < 1) return;
    if (nall2 > 0) memset(out, 0, (size_t)stride * (size_t)nall2 * sizeof(int));
    for (int i = 0; i < nall1; i++)
        if (fwd_map[i] >= 0 && fwd_map[i] < nall2)
            memcpy(out + (size_t)stride * (size_t)fwd_map[i], in + (size_t)stride * (size_t)i,
                   (size_t)stride * sizeof(int));
}
