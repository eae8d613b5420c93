/* latency: how long reads of 1 MiB at random places of a file take, without the kernel's cache.
 *
 *   latency PATH SECONDS
 *
 * Prints one JSON line: {"reads": n, "p50Milliseconds": a, "p99Milliseconds": b, "worstMilliseconds": c}.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int fail(const char *what) { perror(what); return 1; }

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    enum { size = 1 << 20, most = 1 << 20 };
    if (argc != 3) { fprintf(stderr, "usage: latency PATH SECONDS\n"); return 2; }
    char *buffer = aligned_alloc(4096, size);
    double *times = calloc(most, sizeof *times);
    int fd = open(argv[1], O_RDONLY);
    struct stat st;
    if (!buffer || !times) return fail("memory");
    if (fd < 0 || fstat(fd, &st)) return fail(argv[1]);
    uint64_t state = 88172645463325252ull, places = st.st_size / size;
    if (!places) { fprintf(stderr, "latency: %s is smaller than 1 MiB\n", argv[1]); return 1; }
    posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
    size_t count = 0;
    for (double until = now() + atof(argv[2]); count < most && now() < until;) {
        state ^= state << 13; state ^= state >> 7; state ^= state << 17;
        off_t place = (off_t)(state % places) * size;
        posix_fadvise(fd, place, size, POSIX_FADV_DONTNEED);
        double start = now();
        if (pread(fd, buffer, size, place) != size) return fail("pread");
        times[count++] = now() - start;
    }
    qsort(times, count, sizeof *times, ascending);
    printf("{\"reads\": %zu, \"p50Milliseconds\": %.3f, \"p99Milliseconds\": %.3f, \"worstMilliseconds\": %.3f}\n", count,
           times[count / 2] * 1e3, times[count * 99 / 100] * 1e3, times[count - 1] * 1e3);
    return 0;
}
