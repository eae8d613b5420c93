/* edit: changes of files on a mounted filesystem: patches, appends, copies, writes in any order, many open files.
 *
 *   edit write PATH MEGABYTES               1 MiB writes and close
 *   edit patch PATH MEGABYTES               the same, then 4 KiB at the front; what is timed is that and close
 *   edit append PATH COUNT                  COUNT times: open, append 1 KiB, fsync, close
 *   edit follow PATH COUNT                  one open, COUNT times: append 1 KiB, fsync
 *   edit create PATH COUNT                  COUNT files PATH.0, PATH.1 ... of 1 KiB
 *   edit extend PATH BYTES                  makes a file so long, without data
 *   edit copy PATH TARGET                   read and write, 1 MiB at a time
 *   edit clone PATH TARGET                  copy_file_range
 *   edit clones PATH PREFIX COUNT           copies PREFIX0, PREFIX1 ... by copy_file_range
 *   edit remove DIRECTORY COUNT             COUNT of its files, in random order
 *   edit scatter PATH MEGABYTES STREAMS     STREAMS threads write 1 MiB pieces in random order, then close
 *   edit hold DIRECTORY COUNT               COUNT files of 1 MiB each stay open until standard input ends
 *
 * Prints one JSON line: {"operations": n, "seconds": s, "secondsEach": e}.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MEGABYTE = 1 << 20 };

static char *content;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what, const char *path) {
    fprintf(stderr, "edit: %s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static int opened(const char *path, int flags) {
    int fd = open(path, flags, 0644);
    if (fd < 0) fail("open", path);
    return fd;
}

static void closed(int fd, const char *path) {
    if (close(fd)) fail("close", path);
}

static void put(int fd, const char *path, size_t count, off_t offset) {
    if (pwrite(fd, content, count, offset) != (ssize_t)count) fail("write", path);
}

static void put_next(int fd, const char *path, size_t count) {
    if (write(fd, content, count) != (ssize_t)count) fail("write", path);
}

static void synced(int fd, const char *path) {
    if (fsync(fd)) fail("fsync", path);
}

static void write_all(int fd, const char *path, long megabytes) {
    for (long i = 0; i < megabytes; i++) {
        memcpy(content, &i, sizeof i); /* no two pieces alike */
        put(fd, path, MEGABYTE, (off_t)i * MEGABYTE);
    }
}

static off_t size_of(int fd, const char *path) {
    struct stat found;
    if (fstat(fd, &found)) fail("fstat", path);
    return found.st_size;
}

static void copy(const char *from, const char *to) {
    int source = opened(from, O_RDONLY), target = opened(to, O_WRONLY | O_CREAT | O_TRUNC);
    ssize_t got;
    while ((got = read(source, content, MEGABYTE)) > 0)
        if (write(target, content, got) != got) fail("write", to);
    if (got < 0) fail("read", from);
    closed(target, to);
    closed(source, from);
}

static void clone_file(const char *from, const char *to) {
    int source = opened(from, O_RDONLY), target = opened(to, O_WRONLY | O_CREAT | O_TRUNC);
    off_t left = size_of(source, from);
    while (left > 0) {
        ssize_t done = copy_file_range(source, NULL, target, NULL, left, 0);
        if (done <= 0) fail("copy_file_range", to);
        left -= done;
    }
    closed(target, to);
    closed(source, from);
}

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13; *state ^= *state >> 7; *state ^= *state << 17;
    return *state;
}

/* The names in a directory, in random order; there must be as many as that. */
static char **shuffled_names(const char *path, long count, uint64_t *state) {
    DIR *directory = opendir(path);
    if (!directory) fail("opendir", path);
    char **names = NULL;
    long found = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.') continue;
        names = realloc(names, (found + 1) * sizeof *names);
        if (!names || !(names[found] = strdup(entry->d_name))) fail("memory", path);
        long other = next_random(state) % (found + 1);
        char *name = names[found];
        names[found] = names[other];
        names[other] = name;
        found++;
    }
    closedir(directory);
    if (found < count) fail("too few files in", path);
    return names;
}

struct scatter {
    const char *path;
    long *pieces, count;
    atomic_long next;
    int fd;
};

static void *scatter(void *argument) {
    struct scatter *all = argument;
    char *own = malloc(MEGABYTE);
    if (!own) fail("memory", all->path);
    memcpy(own, content, MEGABYTE);
    for (long i; (i = atomic_fetch_add(&all->next, 1)) < all->count;) {
        memcpy(own, &all->pieces[i], sizeof(long));
        if (pwrite(all->fd, own, MEGABYTE, (off_t)all->pieces[i] * MEGABYTE) != MEGABYTE) fail("write", all->path);
    }
    free(own);
    return NULL;
}

static void scattered(const char *path, long count, int streams) {
    struct scatter all = {.path = path, .count = count, .fd = opened(path, O_WRONLY | O_CREAT | O_TRUNC)};
    all.pieces = malloc(count * sizeof(long));
    pthread_t threads[64];
    if (!all.pieces || streams < 1 || streams > 64) fail("memory or streams", path);
    uint64_t state = 88172645463325252ull;
    for (long i = 0; i < count; i++) {
        long other = next_random(&state) % (i + 1);
        all.pieces[i] = all.pieces[other];
        all.pieces[other] = i;
    }
    for (int i = 0; i < streams; i++)
        if (pthread_create(&threads[i], NULL, scatter, &all)) fail("thread", path);
    for (int i = 0; i < streams; i++) pthread_join(threads[i], NULL);
    closed(all.fd, path);
}

static void hold(const char *directory, long count) {
    struct rlimit limit = {count + 64, count + 64};
    if (setrlimit(RLIMIT_NOFILE, &limit)) fail("setrlimit", directory);
    char path[4096];
    for (long i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%ld", directory, i);
        put(opened(path, O_WRONLY | O_CREAT | O_TRUNC), path, MEGABYTE, 0);
    }
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: edit OPERATION PATH ARGUMENT [ARGUMENT]\n");
        return 2;
    }
    const char *operation = argv[1], *path = argv[2];
    char name[4096];
    long count = atol(argv[3]), operations = 1;
    content = aligned_alloc(4096, MEGABYTE);
    if (!content) fail("memory", path);
    uint64_t state = 0x9e3779b97f4a7c15ull ^ getpid();
    for (size_t i = 0; i < MEGABYTE; i += 8) {
        next_random(&state);
        memcpy(content + i, &state, 8);
    }
    double start = now();
    if (!strcmp(operation, "write") || !strcmp(operation, "patch")) {
        int fd = opened(path, O_RDWR | O_CREAT | O_TRUNC);
        write_all(fd, path, count);
        if (!strcmp(operation, "patch")) {
            sleep(3); /* what is on its way arrives */
            start = now();
            put(fd, path, 4096, 0);
        }
        closed(fd, path);
    } else if (!strcmp(operation, "append")) {
        for (long i = 0; i < count; i++) {
            int fd = opened(path, O_WRONLY | O_APPEND | O_CREAT);
            put_next(fd, path, 1024);
            synced(fd, path);
            closed(fd, path);
        }
        operations = count;
    } else if (!strcmp(operation, "follow")) {
        int fd = opened(path, O_WRONLY | O_APPEND | O_CREAT);
        for (long i = 0; i < count; i++) {
            put_next(fd, path, 1024);
            synced(fd, path);
        }
        closed(fd, path);
        operations = count;
    } else if (!strcmp(operation, "create")) {
        for (long i = 0; i < count; i++) {
            snprintf(name, sizeof name, "%s.%ld", path, i);
            int fd = opened(name, O_WRONLY | O_CREAT | O_EXCL);
            put(fd, name, 1024, 0);
            closed(fd, name);
        }
        operations = count;
    } else if (!strcmp(operation, "extend")) {
        int fd = opened(path, O_WRONLY | O_CREAT);
        if (ftruncate(fd, count)) fail("ftruncate", path);
        closed(fd, path);
    } else if (!strcmp(operation, "copy")) {
        copy(path, argv[3]);
    } else if (!strcmp(operation, "clone")) {
        clone_file(path, argv[3]);
    } else if (!strcmp(operation, "clones") && argc > 4) {
        operations = atol(argv[4]);
        for (long i = 0; i < operations; i++) {
            snprintf(name, sizeof name, "%s%ld", argv[3], i);
            clone_file(path, name);
        }
    } else if (!strcmp(operation, "remove")) {
        char **names = shuffled_names(path, count, &state);
        start = now();
        for (long i = 0; i < count; i++) {
            snprintf(name, sizeof name, "%s/%s", path, names[i]);
            if (unlink(name)) fail("unlink", name);
        }
        operations = count;
    } else if (!strcmp(operation, "scatter") && argc > 4) {
        scattered(path, count, atoi(argv[4]));
    } else if (!strcmp(operation, "hold")) {
        hold(path, count);
        operations = count;
    } else {
        fprintf(stderr, "edit: unknown operation %s, or too few arguments\n", operation);
        return 2;
    }
    double seconds = now() - start;
    printf("{\"operations\": %ld, \"seconds\": %.6f, \"secondsEach\": %.9f}\n", operations, seconds,
           seconds / operations);
    fflush(stdout);
    if (!strcmp(operation, "hold"))
        while (getchar() != EOF) {}
    return 0;
}
