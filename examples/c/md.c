/* Molecular dynamics in the NVE ensemble, in C: ./md MODEL OPTIONS STEPS STRUCTURE
 * MODEL may be "" for the embedded water model. STRUCTURE: n; nine numbers of the cell;
 * then type (0 O, 1 H), mass (u), position (Å) and velocity (Å/fs) of each atom. */
#include <stdio.h>
#include <stdlib.h>

#include "dpse.h"

#define DT 0.5                   /* fs */
#define ACCELERATION 9.648533e-3 /* (eV/Å)/u in Å/fs² */

static void must(int status)
{
    if (dpse_warning()[0]) fprintf(stderr, "warning: %s\n", dpse_warning());
    if (status == DPSE_OK) return;
    fprintf(stderr, "error: %s\n", dpse_error());
    exit(1);
}

static void *room(size_t n, size_t size)
{
    void *memory = calloc(n, size);
    if (memory == NULL) exit(1);
    return memory;
}

int main(int argc, char **argv)
{
    int potential, n, k;
    double cell[9], energy, virial[9];
    if (argc != 5) return fprintf(stderr, "usage: md MODEL OPTIONS STEPS STRUCTURE\n"), 2;
    must(dpse_init(argv[1][0] ? argv[1] : NULL, argv[2], &potential));

    FILE *file = fopen(argv[4], "r");
    if (file == NULL || fscanf(file, "%d", &n) != 1) return perror(argv[4]), 1;
    for (k = 0; k < 9; k++)
        if (fscanf(file, "%lf", &cell[k]) != 1) return 1;
    int *types = room(n, sizeof *types);
    double *mass = room(n, sizeof *mass), *x = room(3 * n, sizeof *x);
    double *v = room(3 * n, sizeof *v), *f = room(3 * n, sizeof *f);
    for (k = 0; k < n; k++) {
        double *p = x + 3 * k, *q = v + 3 * k;
        if (fscanf(file, "%d%lf%lf%lf%lf%lf%lf%lf", &types[k], &mass[k], p, p + 1, p + 2,
                   q, q + 1, q + 2) != 8) return 1;
    }
    fclose(file);

    must(dpse_compute(potential, n, x, types, cell, NULL, NULL, NULL, &energy, f, virial,
                      NULL, NULL));
    for (int step = 0;; step++) {
        double kinetic = 0;
        for (k = 0; k < 3 * n; k++) kinetic += mass[k / 3] * v[k] * v[k] / 2;
        printf("%d %.12f %.12f\n", step, energy, energy + kinetic / ACCELERATION);
        if (step == atoi(argv[3])) break;
        for (k = 0; k < 3 * n; k++) {
            v[k] += DT / 2 * ACCELERATION * f[k] / mass[k / 3];
            x[k] += DT * v[k];
        }
        must(dpse_compute(potential, n, x, types, cell, NULL, NULL, NULL, &energy, f,
                          virial, NULL, NULL));
        for (k = 0; k < 3 * n; k++) v[k] += DT / 2 * ACCELERATION * f[k] / mass[k / 3];
    }
    must(dpse_free(potential));
    return 0;
}
