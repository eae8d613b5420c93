/* stream: sequential and random file I/O on a mounted filesystem.
 *
 *   stream write PATH MEGABYTES     1 MiB writes, then close (what close() waits for counts)
 *   stream read PATH                1 MiB reads to the end of the file
 *   stream random PATH SECONDS      4 KiB reads at random page offsets
 *
 * Prints one JSON line: {"bytes": n, "seconds": s, "megabytesPerSecond": r, "operationsPerSecond": o}.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int fail(const char *what) { perror(what); return 1; }

int main(int argc, char **argv) {
    enum { chunk = 1 << 20 };
    if (argc < 3 || (strcmp(argv[1], "read") && argc < 4)) {
        fprintf(stderr, "usage: stream write PATH MEGABYTES | read PATH | random PATH SECONDS\n");
        return 2;
    }
    char *buffer = aligned_alloc(4096, chunk);
    if (!buffer) return fail("memory");
    uint64_t state = 88172645463325252ull, bytes = 0, operations = 0;
    for (size_t i = 0; i < chunk; i += 8) {
        state ^= state << 13; state ^= state >> 7; state ^= state << 17;
        memcpy(buffer + i, &state, 8);
    }
    double start = now(), end;
    if (!strcmp(argv[1], "write")) {
        int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (fd < 0) return fail(argv[2]);
        for (long i = atol(argv[3]); i > 0; i--) {
            memcpy(buffer, &i, sizeof i); /* no two chunks alike */
            if (write(fd, buffer, chunk) != chunk) return fail("write");
            bytes += chunk;
            operations++;
        }
        if (close(fd)) return fail("close");
        end = now();
    } else if (!strcmp(argv[1], "read")) {
        int fd = open(argv[2], O_RDONLY);
        if (fd < 0) return fail(argv[2]);
        ssize_t got;
        while ((got = read(fd, buffer, chunk)) > 0) { bytes += got; operations++; }
        if (got < 0) return fail("read");
        end = now();
        close(fd);
    } else {
        int fd = open(argv[2], O_RDONLY);
        struct stat st;
        if (fd < 0 || fstat(fd, &st)) return fail(argv[2]);
        uint64_t pages = st.st_size / 4096;
        if (!pages) { fprintf(stderr, "stream: %s is smaller than a page\n", argv[2]); return 1; }
        double until = start + atof(argv[3]);
        while ((end = now()) < until) {
            state ^= state << 13; state ^= state >> 7; state ^= state << 17;
            if (pread(fd, buffer, 4096, (state % pages) * 4096) != 4096) return fail("pread");
            bytes += 4096;
            operations++;
        }
        close(fd);
    }
    double seconds = end - start;
    printf("{\"bytes\": %llu, \"seconds\": %.3f, \"megabytesPerSecond\": %.1f, \"operationsPerSecond\": %.1f}\n",
           (unsigned long long)bytes, seconds, bytes / seconds / 1e6, operations / seconds);
    return 0;
}
