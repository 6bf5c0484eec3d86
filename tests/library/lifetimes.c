/* What a program may do around the library: ./lifetimes KIND [MODEL]. Ends with 0 if all
 * was as it should be, and says on standard output what the library said. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dpse.h"

#define N 24
#define FORKS 4

static double x[3 * N];
static int types[N];
static int busy, idle;
static volatile int stop;

static int evaluate(int potential, double *energy)
{
    double forces[3 * N];
    return dpse_compute(potential, N, x, types, NULL, NULL, NULL, NULL, energy, forces,
                        NULL, NULL, NULL);
}

static void must(int good, const char *what)
{
    if (good) return;
    printf("%s: %s\n", what, dpse_error());
    exit(1);
}

static void *work(void *unused)
{
    double energy;
    int status = DPSE_OK;
    while (!stop && status == DPSE_OK) status = evaluate(busy, &energy);
    return status == DPSE_OK || status == DPSE_HANDLE ? unused : (void *)dpse_error();
}

static pthread_t start_work(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    return thread;
}

/* The program's fork, while a thread computes: children compute the same. */
static void forks(void)
{
    double before, after;
    pthread_t thread;
    must(evaluate(idle, &before) == DPSE_OK, "before");
    thread = start_work();
    for (int k = 0; k < FORKS; k++) {
        int status;
        usleep(3000);
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            must(evaluate(idle, &after) == DPSE_OK, "in the child");
            _exit(after == before ? 0 : 2);
        }
        waitpid(child, &status, 0);
        must(status == 0, "the child");
        must(evaluate(idle, &after) == DPSE_OK && after == before, "in the parent");
    }
    stop = 1;
    pthread_join(thread, NULL);
}

/* A potential is freed while another thread computes with it. */
static void frees(void)
{
    void *said;
    pthread_t thread = start_work();
    usleep(20000);
    must(dpse_free(busy) == DPSE_OK, "free");
    must(dpse_free(busy) == DPSE_HANDLE, "free again");
    pthread_join(thread, &said);
    must(said == NULL, "the thread");
}

static void late(void)
{
    double energy;
    int status = evaluate(idle, &energy);
    printf("late: %d %s\n", status, dpse_error());
    fflush(stdout);
}

/* The program ends Python, which the library had started, and calls once more. */
static void ends(void)
{
    int (*ensure)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "PyGILState_Ensure");
    int (*finalize)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "Py_FinalizeEx");
    must(ensure && finalize, "Python's functions");
    ensure();
    finalize();
    late();
}

int main(int n, char **words)
{
    double energy;
    const char *kind = words[1];
    for (int k = 0; k < N; k++) {
        types[k] = k % 3 > 0;
        x[3 * k] = 2.2 * (k % 3);
        x[3 * k + 1] = 2.2 * (k / 3 % 3);
        x[3 * k + 2] = 2.2 * (k / 9) + 0.01 * k;
    }
    if (strcmp(kind, "exit") == 0) atexit(late);
    must(dpse_init(n > 2 ? words[2] : NULL, "threads=1", &busy) == DPSE_OK, "init");
    must(dpse_init(n > 2 ? words[2] : NULL, "threads=1", &idle) == DPSE_OK, "init");
    must(evaluate(busy, &energy) == DPSE_OK, "compute");
    if (strcmp(kind, "forks") == 0) forks();
    if (strcmp(kind, "frees") == 0) frees();
    if (strcmp(kind, "ends") == 0) ends();
    return 0;
}
