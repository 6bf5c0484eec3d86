/* Whether the caller's memory is there: asked of the system, which fails instead of the
 * process. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/uio.h>
#endif

#include "dpse_python.h"

#define PROBES 256 /* pages in one call of the system */

/* One byte of each page is read, and for written memory put back. */
int dpse_python_reachable(const void *memory, size_t size, int written)
{
#ifdef __linux__
    const uintptr_t first = (uintptr_t)memory, end = first + size;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t next = first;
    if (size == 0) return 1;
    if (end < first) return 0;
    while (next < end) {
        struct iovec theirs[PROBES], ours;
        unsigned char bytes[PROBES];
        unsigned long n = 0;
        for (; n < PROBES && next < end; n++) {
            theirs[n].iov_base = (void *)next;
            theirs[n].iov_len = 1;
            next = next - next % page + page;
            if (next == 0) next = end; /* of the last page of all */
        }
        ours.iov_base = bytes;
        ours.iov_len = n;
        /* -1 also where the system does not allow to ask, as some sandboxes. */
        ssize_t done = process_vm_readv(getpid(), &ours, 1, theirs, n, 0);
        if (done < 0 && errno != EFAULT) return 1;
        if (done >= 0 && written) {
            ours.iov_len = (size_t)done;
            if (done == (ssize_t)n)
                done = process_vm_writev(getpid(), &ours, 1, theirs, n, 0);
            if (done < 0 && errno != EFAULT) return 1;
        }
        if (done != (ssize_t)n) return 0;
    }
#else
    (void)memory, (void)size, (void)written;
#endif
    return 1;
}
