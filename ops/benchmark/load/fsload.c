/* fsload: metadata and small-file load on a mounted filesystem by N worker processes.
 *
 *   fsload DIR OPERATION WORKERS SECONDS [SIZE [LIMIT]]
 *
 * OPERATION: create (SIZE bytes each, with close), create-private (the same, for the owner alone), create-owned (the
 * same with all that a copy takes along: owner, mode, an extended attribute, times), stat, readdir, unlink, mkdir, rename.
 * Each worker has its own sub-directory DIR/w0, DIR/w1 ...; `create` and `mkdir` make the entries that `stat`,
 * `readdir`, `rename` and `unlink` then use, so run them in that order. Stops after SECONDS, when a worker has used up
 * its entries, or when it has made LIMIT of them (a filesystem that keeps a descriptor for each cannot take many).
 * Prints one JSON line: {"operations": n, "seconds": s, "perSecond": r}.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what, const char *path) {
    fprintf(stderr, "fsload: %s %s: %s\n", what, path, strerror(errno));
    _exit(1);
}

struct worker { uint64_t operations; double seconds; };

static char content[1 << 20];

/* What `cp -a` and tar give a copy before they close it. */
static void give_attributes(int fd, const char *path) {
    struct timespec times[2] = {{1000000000, 5}, {1000000000, 7}};
    if (fchown(fd, 1001, 1002)) fail("chown", path);
    if (fchmod(fd, 0640)) fail("chmod", path);
    if (fsetxattr(fd, "user.origin", "fsload", 6, 0)) fail("setxattr", path);
    if (futimens(fd, times)) fail("utimens", path);
}

static void create_file(const char *path, size_t size, mode_t mode, int owned) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (fd < 0) fail("create", path);
    if (size && write(fd, content, size) != (ssize_t)size) fail("write", path);
    if (owned) give_attributes(fd, path);
    if (close(fd)) fail("close", path);
}

static uint64_t count_entries(const char *path) {
    DIR *d = opendir(path);
    if (!d) fail("opendir", path);
    uint64_t n = 0;
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

/* The number of entries that an earlier run left for this worker. */
static long entries_left(const char *dir, char prefix) {
    char path[4096];
    snprintf(path, sizeof path, "%s/.count-%c", dir, prefix);
    char text[32] = {0};
    int fd = open(path, O_RDONLY);
    if (fd < 0) return 0;
    if (read(fd, text, sizeof text - 1) < 0) fail("read", path);
    close(fd);
    return atol(text);
}

static void note_entries(const char *dir, char prefix, long n) {
    char path[4096], text[32];
    snprintf(path, sizeof path, "%s/.count-%c", dir, prefix);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    int length = snprintf(text, sizeof text, "%ld", n);
    if (fd < 0 || write(fd, text, length) != length || close(fd)) fail("write", path);
}

static void run(const char *root, const char *operation, int index, double seconds, size_t size, long limit,
                struct worker *out) {
    char dir[2048], path[4096], other[4096];
    snprintf(dir, sizeof dir, "%s/w%d", root, index);
    if (mkdir(dir, 0755) && errno != EEXIST) fail("mkdir", dir);
    char prefix = !strcmp(operation, "mkdir") ? 'd' : 'f';
    int creates = !strncmp(operation, "create", 6), makes = creates || !strcmp(operation, "mkdir");
    mode_t mode = strcmp(operation, "create-private") ? 0644 : 0600;
    int owned = !strcmp(operation, "create-owned");
    long have = entries_left(dir, prefix), i = makes ? have : 0;
    uint64_t done = 0;
    double start = now(), end = start + seconds;
    while (now() < end) {
        long entry = makes ? i : (have ? i % have : 0);
        if (makes && limit && i - have >= limit) break;
        snprintf(path, sizeof path, "%s/%c%ld", dir, prefix, entry);
        struct stat st;
        if (creates) create_file(path, size, mode, owned);
        else if (!strcmp(operation, "mkdir")) { if (mkdir(path, 0755)) fail("mkdir", path); }
        else if (!have) break;
        else if (!strcmp(operation, "stat")) { if (stat(path, &st)) fail("stat", path); }
        else if (!strcmp(operation, "readdir")) { done += count_entries(dir) - 1; }
        else if (!strcmp(operation, "unlink")) { if (i >= have) break; if (unlink(path)) fail("unlink", path); }
        else if (!strcmp(operation, "rename")) {
            if (i >= have) break;
            snprintf(other, sizeof other, "%s/r%ld", dir, entry);
            if (rename(path, other)) fail("rename", path);
            if (rename(other, path)) fail("rename", other);
            done++;
        } else { fprintf(stderr, "fsload: unknown operation %s\n", operation); _exit(2); }
        done++;
        i++;
    }
    out->seconds = now() - start;
    out->operations = done;
    if (makes) note_entries(dir, prefix, i);
    if (!strcmp(operation, "unlink")) note_entries(dir, prefix, 0);
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: fsload DIR OPERATION WORKERS SECONDS [SIZE [LIMIT]]\n");
        return 2;
    }
    int workers = atoi(argv[3]);
    double seconds = atof(argv[4]);
    size_t size = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
    long limit = argc > 6 ? atol(argv[6]) : 0;
    if (workers < 1 || workers > 1024 || seconds <= 0 || size > sizeof content) {
        fprintf(stderr, "fsload: WORKERS 1..1024, SECONDS > 0, SIZE <= 1 MiB\n");
        return 2;
    }
    for (size_t b = 0; b < sizeof content; b++) content[b] = (char)(b * 131 + (b >> 8));
    struct worker *results =
        mmap(NULL, workers * sizeof *results, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (results == MAP_FAILED) { perror("mmap"); return 1; }
    for (int w = 0; w < workers; w++) {
        pid_t pid = fork();
        if (pid < 0) { perror("fork"); return 1; }
        if (pid == 0) { run(argv[1], argv[2], w, seconds, size, limit, &results[w]); _exit(0); }
    }
    int bad = 0, status;
    while (wait(&status) > 0) bad |= status != 0;
    double total = 0, longest = 0;
    for (int w = 0; w < workers; w++) {
        total += results[w].operations;
        if (results[w].seconds > longest) longest = results[w].seconds;
    }
    printf("{\"operations\": %.0f, \"seconds\": %.3f, \"perSecond\": %.1f}\n", total, longest,
           longest > 0 ? total / longest : 0);
    return bad;
}
