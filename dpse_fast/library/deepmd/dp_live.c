/* The objects that exist. What a program gives that is none of them (deleted, or the address
 * of a pointer) is not looked into, and calls of several threads on one object wait for each
 * other: memory that is used again serves one call at a time. */
#include <Python.h>
#include <pthread.h>

#include "dp_objects.h"

static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t watched = PTHREAD_ONCE_INIT;
static dp_object *newest;

static void before_fork(void) { pthread_mutex_lock(&changing); }

static void after_fork_in_parent(void) { pthread_mutex_unlock(&changing); }

/* Other threads are not in the child: what they were about is left undone. */
static void after_fork_in_child(void)
{
    pthread_mutex_init(&changing, NULL);
    for (dp_object *one = newest; one; one = one->older) {
        pthread_mutex_init(&one->busy, NULL);
        if (one->in_call) one->rows.version = 0;
        one->in_call = false;
    }
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* The place that leads to an object; the last one leads to NULL. */
static dp_object **place_of(const dp_object *object)
{
    dp_object **place = &newest;
    while (*place && *place != object) place = &(*place)->older;
    return place;
}

void dp_enter(dp_object *object)
{
    pthread_once(&watched, watch_forks);
    pthread_mutex_init(&object->busy, NULL);
    pthread_mutex_lock(&changing);
    object->older = newest;
    newest = object;
    pthread_mutex_unlock(&changing);
}

bool dp_leave(dp_object *object)
{
    pthread_mutex_lock(&changing);
    dp_object **const place = place_of(object);
    const bool exists = *place != NULL;
    if (exists) *place = object->older;
    pthread_mutex_unlock(&changing);
    return exists;
}

bool dp_exists(const dp_object *object)
{
    pthread_mutex_lock(&changing);
    const bool exists = object && *place_of(object);
    pthread_mutex_unlock(&changing);
    return exists;
}

/* A thread of Python that waits lets the others go on: one of them has the object. */
void dp_take(dp_object *object)
{
    if (pthread_mutex_trylock(&object->busy) != 0) {
        const bool has_python = Py_IsInitialized() && PyGILState_Check();
        PyThreadState *own = has_python ? PyEval_SaveThread() : NULL;
        pthread_mutex_lock(&object->busy);
        if (own) PyEval_RestoreThread(own);
    }
    object->in_call = true;
}

void dp_give_back(dp_object *object)
{
    object->in_call = false;
    pthread_mutex_unlock(&object->busy);
}
