/* A client of deepmd-kit's C interface, with declarations of its own, in a process without
 * Python. `client KIND MODEL`: what it does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct DP_DeepPot DP_DeepPot;
typedef struct DP_Nlist DP_Nlist;

DP_DeepPot *DP_NewDeepPot(const char *model);
const char *DP_DeepPotCheckOK(DP_DeepPot *);
const char *DP_DeepPotGetTypeMap(DP_DeepPot *);
double DP_DeepPotGetCutoff(DP_DeepPot *);
void DP_DeleteDeepPot(DP_DeepPot *);
void DP_DeleteChar(const char *);
void DP_PrintSummary(const char *);
void DP_ConvertPbtxtToPb(const char *, const char *);
void DP_DeepPotCompute(DP_DeepPot *, const int n, const double *coord, const int *types,
                       const double *cell, double *energy, double *force, double *virial,
                       double *atomic_energy, double *atomic_virial);
DP_Nlist *DP_NewNlist(int n, int *rows, int *lengths, int **neighbours);
void DP_DeleteNlist(DP_Nlist *);
void DP_DeepPotComputeNList(DP_DeepPot *, const int n, const double *coord, const int *types,
                            const double *cell, const int n_ghosts, const DP_Nlist *,
                            const int ago, double *energy, double *force, double *virial,
                            double *atomic_energy, double *atomic_virial);
#ifdef NEWER
int DP_OfALaterInterface(void);
#endif

#ifdef OTHER_PYTHON
/* As in a program that runs another Python. */
int Py_IsInitialized(void) { return 1; }
const char *Py_GetVersion(void) { return "3.5.0 (default)"; }
#endif

static void check(DP_DeepPot *model)
{
    const char *text = DP_DeepPotCheckOK(model);
    if (*text) {
        printf("refused: %s\n", text);
        exit(0);
    }
    DP_DeleteChar(text);
}

int main(int count, char **words)
{
    const double coord[9] = {0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0};
    const int types[3] = {0, 1, 1};
    double energy[2], force[2][9], virial[9], energies[3];
    int rows[3] = {0, 1, 2}, lengths[3] = {2, 2, 2};
    int of0[2] = {1, 2}, of1[2] = {0, 2}, of2[2] = {0, 1}, *neighbours[3] = {of0, of1, of2};
    DP_DeepPot *model = DP_NewDeepPot(words[1]);
    check(model);
#ifdef NEWER
    if (count > 5) return DP_OfALaterInterface();
#endif
    DP_PrintSummary("> ");
    const char *names = DP_DeepPotGetTypeMap(model);
    printf("%s %g\n", names, DP_DeepPotGetCutoff(model));
    DP_DeleteChar(names);
    DP_DeepPotCompute(model, 3, coord, types, NULL, energy, force[0], virial, energies, NULL);
    check(model);
    DP_Nlist *list = DP_NewNlist(3, rows, lengths, neighbours);
    DP_DeepPotComputeNList(model, 3, coord, types, NULL, 0, list, 0, energy + 1, force[1], virial,
                           energies, NULL);
    check(model);
    DP_DeleteNlist(list);
    for (int k = 0; k < 2; k++) {
        printf("%.17g", energy[k]);
        for (int i = 0; i < 9; i++) printf(" %.17g", force[k][i]);
        printf("\n");
    }
    if (count > 3) DP_ConvertPbtxtToPb(words[2], words[3]);
    DP_DeleteDeepPot(model);
    return 0;
}
