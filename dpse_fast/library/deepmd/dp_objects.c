/* Making and deleting objects, and their errors. */
#include "dp_objects.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dp_object *dp_new(void)
{
    dp_object *object = calloc(1, sizeof(dp_object));
    if (object) dp_enter(object);
    return object;
}

static void free_buffers(dp_object *object)
{
    dp_rows *rows = &object->rows;
    dp_buffer *all[] = {
        &rows->given_types, &rows->types,    &rows->centres, &rows->first,
        &rows->neighbours,  &rows->lengths,  &object->positions, &object->cell,
        &object->fparam,    &object->aparam, &object->forces, &object->energies,
        &object->virials,   &object->types,  &object->results,
    };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) free(all[k]->memory);
}

/* Programs that never ask for errors would go on with results without a meaning. */
static void say_unread(dp_object *object)
{
    if (object->error[0] == '\0' || object->read || object->said) return;
    object->said = true;
    fprintf(stderr, "dpse-fast: error: %s\n", object->error);
}

void dp_delete(dp_object *object)
{
    if (!dp_leave(object)) return;
    say_unread(object);
    if (object->n_models) dpse_free(object->potential);
    free_buffers(object);
    free(object->type_map);
    pthread_mutex_destroy(&object->busy);
    free(object);
}

void dp_fail(dp_object *object, const char *format, ...)
{
    va_list values;
    if (!object || object->error[0] != '\0') return;
    va_start(values, format);
    vsnprintf(object->error, sizeof object->error, format, values);
    va_end(values);
    object->read = object->said = false;
}

const char *dp_check(dp_object *object)
{
    char none[96];
    if (!dp_exists(object)) {
        snprintf(none, sizeof none, "object: expected one of this library, got %s",
                 object ? "another" : "NULL");
        return dp_text(none, strlen(none));
    }
    dp_take(object);
    object->read = true;
    const char *text = dp_text(object->error, strlen(object->error));
    dp_give_back(object);
    return text;
}

bool dp_begin_call(dp_object *object)
{
    if (!dp_exists(object)) return false;
    dp_take(object);
    say_unread(object);
    if (object->broken) {
        dp_give_back(object);
        return false;
    }
    if (object->read) object->error[0] = '\0';
    object->no_memory = false;
    return true;
}

void dp_end_call(dp_object *object) { dp_give_back(object); }

char *dp_text(const char *text, size_t size)
{
    char *found = malloc(size + 1);
    if (!found) return NULL;
    if (size) memcpy(found, text, size);
    found[size] = '\0';
    return found;
}

void *dp_room(dp_object *object, dp_buffer *buffer, size_t n, size_t item)
{
    const size_t size = n * item + 1;
    if (buffer->size < size) {
        free(buffer->memory);
        buffer->size = size + size / 4;
        buffer->memory = malloc(buffer->size);
        if (!buffer->memory) {
            buffer->size = 0;
            object->no_memory = true;
            dp_fail(object, "memory: %zu bytes are not there", size);
        }
    }
    return buffer->memory;
}

/* The names of the types, of the first model of several, and what else clients ask for. */
static bool describe(dp_object *object)
{
    const int potential = object->potential;
    size_t length = 0;
    dpse_texts texts = dpse_begin();
    if (dpse_cutoff(potential, &object->cutoff) || dpse_n_types(potential, &object->n_types) ||
        dpse_parameters(potential, &object->n_frame, &object->n_atomic))
        return false;
    if (dpse_end(dpse_python_default_fparam(&texts, potential, &object->default_fparam)))
        return false;
    object->type_map = calloc((size_t)object->n_types + 1, 256);
    if (!object->type_map) return false;
    for (int type = 0; type < object->n_types; type++) {
        if (length) object->type_map[length++] = ' ';
        if (dpse_type_name(potential, type, object->type_map + length, 255)) return false;
        length += strlen(object->type_map + length);
    }
    return true;
}

static bool load(dp_object *object, int n_models, const char *const *models, int rank,
                 const char *const *contents, const int *sizes)
{
    if (*dp_newer_client()) {
        dp_fail(object, "%s", dp_newer_client());
        return false;
    }
    if (n_models < 1 || !models) {
        dp_fail(object, "models: expected at least one file, got %d", n_models);
        return false;
    }
    dpse_texts texts = dpse_begin();
    if (dpse_end(dpse_can_call() ? dpse_python_open(&texts, n_models, models, contents, sizes,
                                                    rank, &object->potential)
                                 : 0))
        return false;
    object->n_models = n_models;
    dp_warn();
    return describe(object);
}

dp_object *dp_open(int n_models, const char *const *models, int rank, int n_contents,
                   const char *const *contents, const int *sizes)
{
    dp_object *object = dp_new();
    if (!object) return NULL;
    if (n_contents != 0 && n_contents != n_models)
        dp_fail(object, "n_file_contents: expected 0 or %d, one for each model, got %d",
                n_models, n_contents);
    else if (load(object, n_models, models, rank, n_contents ? contents : NULL, sizes))
        return object;
    object->broken = true;
    dp_fail(object, "%s", *dpse_error() ? dpse_error() : "memory: there is none");
    return object;
}

void dp_warn(void)
{
    if (*dpse_warning()) fprintf(stderr, "dpse-fast: warning: %s\n", dpse_warning());
}
