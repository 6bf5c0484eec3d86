/* What is printed: the summary, in the place where a program in C++ looks for it. */
#define _GNU_SOURCE
#include "dp_objects.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* LAMMPS puts another buffer into std::cout to have the summary in its log. The process
 * then has the standard library of C++, which exports this function of `<<`. */
#define COUT "_ZSt4cout"
#define INSERT "_ZSt16__ostream_insertIcSt11char_traitsIcEERSt13basic_ostreamIT_T0_ES6_PKS3_l"
#define FLUSH "_ZNSo5flushEv"

void dp_print(const char *text)
{
    void *(*insert)(void *, const char *, ptrdiff_t), *(*flush)(void *);
    void *out = dlsym(RTLD_DEFAULT, COUT);
    *(void **)&insert = dlsym(RTLD_DEFAULT, INSERT);
    *(void **)&flush = dlsym(RTLD_DEFAULT, FLUSH);
    if (out && insert && flush) {
        insert(out, text, (ptrdiff_t)strlen(text));
        flush(out);
    } else {
        fputs(text, stdout);
        fflush(stdout);
    }
}

DP_API void DP_PrintSummary(const char *before)
{
    char text[DPSE_TEXT_SIZE] = "";
    dpse_texts texts = dpse_begin();
    if (dpse_end(dpse_can_call() ? dpse_python_summary(&texts, text, sizeof text) : 0))
        snprintf(text, sizeof text, "dpse-fast: %s", dpse_error());
    for (char *line = text, *end; line; line = end ? end + 1 : NULL) {
        end = strchr(line, '\n');
        if (end) *end = '\0';
        if (before) dp_print(before);
        dp_print(line);
        dp_print("\n");
    }
}
