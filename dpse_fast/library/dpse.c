/* The functions of dpse.h: each calls its namesake in Python, which returns one more than
 * a status, so that 0 means that Python could not be called. */
#include <Python.h>
#include <pthread.h>
#include <stdio.h>

#include "dpse.h"
#include "dpse_environment.h"
#include "dpse_python.h"

static _Thread_local char error_text[DPSE_TEXT_SIZE];
static _Thread_local char warning_text[DPSE_TEXT_SIZE];
static _Thread_local int error_atom = -1;
static _Thread_local int forking;
static _Thread_local PyGILState_STATE state_of_fork;

static pthread_once_t started = PTHREAD_ONCE_INIT;
static char why_not[512];

/* Python may have been ended by the program that had started it. */
static void ended(void)
{
    snprintf(why_not, sizeof why_not,
             "Python was ended in this process (Py_Finalize); dpse-fast cannot be called "
             "any more");
}

/* The program's fork is made one of Python's, with fresh locks in the child. Python's own
 * os.fork, which has the GIL, has done so already. */
static void before_fork(void)
{
    forking = Py_IsInitialized() && why_not[0] == '\0' && !PyGILState_Check();
    if (!forking) return;
    state_of_fork = PyGILState_Ensure();
    PyOS_BeforeFork();
}

static void after_fork_in_parent(void)
{
    if (!forking) return;
    PyOS_AfterFork_Parent();
    PyGILState_Release(state_of_fork);
}

static void after_fork_in_child(void)
{
    if (!forking) return;
    PyOS_AfterFork_Child();
    PyGILState_Release(state_of_fork);
}

static void watch(void)
{
    Py_AtExit(ended);
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* Whether the program's own Python is of the version whose headers this was compiled with:
 * others have the same functions, and objects of another form. */
static int is_this_python(void)
{
    int major = 0, minor = 0;
    sscanf(Py_GetVersion(), "%d.%d", &major, &minor);
    if (major == PY_MAJOR_VERSION && minor == PY_MINOR_VERSION) return 1;
    snprintf(why_not, sizeof why_not,
             "this process runs Python %d.%d, and the library was made with Python %d.%d; make "
             "it with that Python (dpse-fast library)",
             major, minor, PY_MAJOR_VERSION, PY_MINOR_VERSION);
    return 0;
}

/* Python with the environment that this was built in, or that a variable of a plugin
 * built elsewhere names, unless the process has one. */
static void start(void)
{
    const char *python = dpse_python_executable();
    PyConfig config;
    PyStatus status;
    if (Py_IsInitialized()) {
        if (is_this_python()) watch();
        return;
    }
    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0;
    config.parse_argv = 0;
    status = PyConfig_SetBytesString(&config, &config.program_name, python);
    if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status))
        snprintf(why_not, sizeof why_not, "Python (%s) could not be started: %s",
                 python, status.err_msg ? status.err_msg : "it exits");
    else {
        watch();
        PyEval_SaveThread();
    }
}

dpse_texts dpse_begin(void)
{
    dpse_texts texts = {error_text, warning_text, &error_atom};
    error_text[0] = warning_text[0] = '\0';
    error_atom = -1;
    return texts;
}

int dpse_can_call(void)
{
    pthread_once(&started, start);
    return why_not[0] == '\0';
}

int dpse_end(int answer)
{
    if (answer > 0) return answer - 1;
    snprintf(error_text, sizeof error_text, "%s",
             why_not[0] ? why_not
                        : "dpse-fast could not be started in Python; the reason is on "
                          "standard error (are dpse-fast and cffi installed there?)");
    return DPSE_PYTHON;
}

const char *dpse_error(void) { return error_text; }

const char *dpse_warning(void) { return warning_text; }

int dpse_error_atom(void) { return error_atom; }

/* Of dpse.f90 alone: what Fortran knows to be wrong before C could. */
DPSE_API int dpse_refuse(const char *text)
{
    dpse_begin();
    snprintf(error_text, sizeof error_text, "%s", text);
    return DPSE_INPUT;
}

#define ANSWER(call) dpse_end(dpse_can_call() ? call : 0)

int dpse_init(const char *model, const char *options, int *potential)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_init(&texts, model, options, potential));
}

int dpse_init_committee(int n_models, const char *const *models, const char *options,
                        int *potential)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_init_committee(&texts, n_models, models, options, potential));
}

int dpse_free(int potential)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_free(&texts, potential));
}

int dpse_cutoff(int potential, double *cutoff)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_cutoff(&texts, potential, cutoff));
}

int dpse_n_types(int potential, int *n_types)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_n_types(&texts, potential, n_types));
}

int dpse_n_models(int potential, int *n_models)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_n_models(&texts, potential, n_models));
}

int dpse_deviation_certificate(int potential, double *force, double *rounding)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_deviation_certificate(&texts, potential, force, rounding));
}

int dpse_type_name(int potential, int type, char *name, int size)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_type_name(&texts, potential, type, name, size));
}

int dpse_parameters(int potential, int *n_frame, int *n_atomic)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_parameters(&texts, potential, n_frame, n_atomic));
}

int dpse_atom_ids(int potential, int n, const int64_t *ids)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_atom_ids(&texts, potential, n, ids));
}

int dpse_compute(int potential, int n, const double *positions, const int *types,
                 const double *cell, const int *pbc, const double *fparam,
                 const double *aparam, double *energy, double *forces, double *virial,
                 double *atomic_energies, double *atomic_virials)
{
    dpse_texts texts = dpse_begin();
    dpse_structure given = {n, positions, types, cell, pbc, fparam, aparam};
    dpse_found found = {energy, forces, virial, atomic_energies, atomic_virials};
    return ANSWER(dpse_python_compute(&texts, potential, &given, &found));
}

int dpse_compute_nlist(int potential, const dpse_list *list, dpse_sums *sums)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_compute_nlist(&texts, potential, list, sums));
}

int dpse_compute_nlist_members(int potential, const dpse_list *list, int n_models,
                               dpse_sums *sums)
{
    dpse_texts texts = dpse_begin();
    return ANSWER(dpse_python_compute_nlist_members(&texts, potential, list, n_models, sums));
}
