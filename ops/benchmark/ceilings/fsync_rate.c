// fsync_rate: 4 KiB appends made durable one by one, per second.
// usage: fsync_rate DIRECTORY [seconds, default 2] [threads, default 1]   (each thread its own file)
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 4096, MOST_THREADS = 64 };

static const char *directory;
static double seconds = 2;
static long counts[MOST_THREADS];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void *append(void *argument)
{
    long *count = argument;
    char path[4096], page[SIZE];
    memset(page, 'x', SIZE);
    snprintf(path, sizeof path, "%s/fsync_rate.%d.%ld", directory, (int)getpid(), (long)(count - counts));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0) return perror(path), exit(1), NULL;
    for (double start = now(); now() - start < seconds; ++*count)
        if (write(fd, page, SIZE) != SIZE || fdatasync(fd) != 0) {
            perror(path);
            unlink(path);
            exit(1);
        }
    close(fd);
    unlink(path);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2) return fprintf(stderr, "usage: fsync_rate DIRECTORY [seconds] [threads]\n"), 2;
    directory = argv[1];
    if (argc > 2) seconds = atof(argv[2]);
    int threads = argc > 3 ? atoi(argv[3]) : 1;
    if (threads < 1 || threads > MOST_THREADS) return fprintf(stderr, "fsync_rate: 1 to %d threads\n", MOST_THREADS), 2;
    pthread_t ids[MOST_THREADS];
    double start = now();
    for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, append, &counts[i]);
    long total = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        total += counts[i];
    }
    printf("{\"threads\": %d, \"syncsPerSecond\": %.1f}\n", threads, total / (now() - start));
    return 0;
}
