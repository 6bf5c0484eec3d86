/* Programs that were made for a newer interface: their functions that are missing here are
 * named before the dynamic linker ends the process at the first call of one. */
#define _GNU_SOURCE
#include "dp_objects.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static char newer[1024];
static pthread_once_t looked = PTHREAD_ONCE_INIT;

/* What an object calls of other objects. */
typedef struct {
    const ElfW(Sym) *symbols;
    const char *names;
    const char *calls;
    size_t size, step;
    bool of_us; /* it names this library */
} dp_calls;

/* Addresses in the dynamic section are absolute in memory, on glibc, except in the object
 * of the kernel. */
static dp_calls calls_of(const struct dl_phdr_info *info)
{
    dp_calls found = {.step = sizeof(ElfW(Rela))};
    const ElfW(Dyn) *first = NULL, *entry;
    for (int k = 0; k < info->dlpi_phnum; k++)
        if (info->dlpi_phdr[k].p_type == PT_DYNAMIC)
            first = (const void *)(info->dlpi_addr + info->dlpi_phdr[k].p_vaddr);
    for (entry = first; entry && entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_SYMTAB) found.symbols = (const void *)entry->d_un.d_ptr;
        if (entry->d_tag == DT_STRTAB && entry->d_un.d_ptr >= info->dlpi_addr)
            found.names = (const void *)entry->d_un.d_ptr;
        if (entry->d_tag == DT_JMPREL) found.calls = (const void *)entry->d_un.d_ptr;
        if (entry->d_tag == DT_PLTRELSZ) found.size = entry->d_un.d_val;
        if (entry->d_tag == DT_PLTREL && entry->d_un.d_val == DT_REL)
            found.step = sizeof(ElfW(Rel));
    }
    for (entry = first; entry && found.names && entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_NEEDED)
            found.of_us |= strcmp(found.names + entry->d_un.d_val, "libdeepmd_c.so") == 0;
    return found;
}

#if __SIZEOF_POINTER__ == 8
#define SYMBOL_OF ELF64_R_SYM
#else
#define SYMBOL_OF ELF32_R_SYM
#endif

static int look(struct dl_phdr_info *info, size_t size, void *unused)
{
    const dp_calls of = calls_of(info);
    (void)size, (void)unused;
    if (!of.of_us || !of.symbols || !of.calls) return 0;
    for (size_t at = 0; at < of.size; at += of.step) {
        const ElfW(Rel) *call = (const void *)(of.calls + at);
        const char *name = of.names + of.symbols[SYMBOL_OF(call->r_info)].st_name;
        if (strncmp(name, "DP_", 3) != 0 || dlsym(RTLD_DEFAULT, name)) continue;
        snprintf(newer, sizeof newer,
                 "%s calls %s, which this library does not have: it has the " DP_INTERFACE
                 "; use the program of that version, or a newer dpse-fast",
                 *info->dlpi_name ? info->dlpi_name : "the program", name);
        return 1;
    }
    return 0;
}

static void look_at_all(void)
{
    /* Only if this library is among those whose functions the process finds. */
    if (dlsym(RTLD_DEFAULT, "DP_NewDeepPot")) dl_iterate_phdr(look, NULL);
}

const char *dp_newer_client(void)
{
    pthread_once(&looked, look_at_all);
    return newer;
}
