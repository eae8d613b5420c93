// disk_stream: one file written, synced and read back with 1 MiB calls, MB (10^6 bytes) per second.
// usage: disk_stream DIRECTORY [MiB, default 1024] [MiB between syncs, default 0: one at the end]
// Reading is cold: the file's pages are dropped first. A file bigger than memory is not needed.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STEP = 1 << 20 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static char path[4096];

static int fail(const char *what)
{
    perror(what);
    unlink(path);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) return fprintf(stderr, "usage: disk_stream DIRECTORY [MiB] [MiB between syncs]\n"), 2;
    long steps = argc > 2 ? atol(argv[2]) : 1024, between = argc > 3 ? atol(argv[3]) : 0;
    char *buffer = aligned_alloc(4096, STEP);
    if (!buffer || steps < 1) return fprintf(stderr, "disk_stream: no\n"), 2;
    for (int i = 0; i < STEP; i++) buffer[i] = rand();
    snprintf(path, sizeof path, "%s/disk_stream.%d", argv[1], (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0) return perror(path), 1;

    double start = now();
    for (long i = 0; i < steps; i++) {
        if (write(fd, buffer, STEP) != STEP) return fail("write");
        if (between > 0 && (i + 1) % between == 0 && fdatasync(fd) != 0) return fail("fdatasync");
    }
    if (fdatasync(fd) != 0) return fail("fdatasync");
    double writing = now() - start;

    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    lseek(fd, 0, SEEK_SET);
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    start = now();
    for (long i = 0; i < steps; i++)
        if (read(fd, buffer, STEP) != STEP) return fail("read");
    double reading = now() - start;
    unlink(path);

    double megabytes = steps * (double)STEP / 1e6;
    printf("{\"megabytes\": %.1f, \"writeMegabytesPerSecond\": %.1f, \"readMegabytesPerSecond\": %.1f}\n", megabytes,
           megabytes / writing, megabytes / reading);
    return 0;
}
