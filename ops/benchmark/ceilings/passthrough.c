// passthrough: a FUSE filesystem that hands every operation to a directory below; what any mount can do at best on
// this machine.
// usage: passthrough DIRECTORY MOUNTPOINT   (low-level libfuse, several threads; prints a JSON line once mounted;
// SIGTERM unmounts)
// An inode is an O_PATH descriptor; attributes and names are cached by the kernel for a second, data until the file
// is opened again.
#define _GNU_SOURCE
#define FUSE_USE_VERSION 314
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CACHE_SECONDS 1.0
enum { BUCKETS = 1 << 16, READ_LIMIT = 1 << 20 };

// What the kernel knows by its address. Lives as long as the kernel has looked it up more often than forgotten.
struct node {
    struct node *next;
    dev_t device;
    ino_t number;
    uint64_t lookups;
    int fd;
};

static struct node root = {.lookups = 1};
static struct node *buckets[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct node *node_of(fuse_ino_t ino) { return ino == FUSE_ROOT_ID ? &root : (struct node *)(uintptr_t)ino; }
static int fd_of(fuse_ino_t ino) { return node_of(ino)->fd; }
static struct node **bucket_of(dev_t device, ino_t number)
{
    return &buckets[(number * 0x9e3779b97f4a7c15ull ^ device) >> 7 & (BUCKETS - 1)];
}

static void reply(fuse_req_t request, int result) { fuse_reply_err(request, result < 0 ? errno : 0); }

// A path by which system calls without an *at form reach an O_PATH descriptor.
static const char *link_path(char buffer[32], int fd)
{
    snprintf(buffer, 32, "/proc/self/fd/%d", fd);
    return buffer;
}

// ---- Nodes

static int find(int parent, const char *name, struct fuse_entry_param *entry)
{
    memset(entry, 0, sizeof *entry);
    entry->attr_timeout = entry->entry_timeout = CACHE_SECONDS;
    int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno;
    if (fstatat(fd, "", &entry->attr, AT_EMPTY_PATH) < 0) {
        int code = errno;
        close(fd);
        return code;
    }
    struct node **bucket = bucket_of(entry->attr.st_dev, entry->attr.st_ino), *node;
    pthread_mutex_lock(&lock);
    for (node = *bucket; node; node = node->next)
        if (node->number == entry->attr.st_ino && node->device == entry->attr.st_dev) break;
    if (node) {
        node->lookups++;
    } else if ((node = malloc(sizeof *node))) {
        *node = (struct node){*bucket, entry->attr.st_dev, entry->attr.st_ino, 1, fd};
        *bucket = node;
        fd = -1;
    }
    pthread_mutex_unlock(&lock);
    if (fd >= 0) close(fd);
    entry->ino = (uintptr_t)node;
    return node ? 0 : ENOMEM;
}

static void forget_one(fuse_ino_t ino, uint64_t count)
{
    struct node *node = node_of(ino);
    if (node == &root) return;
    pthread_mutex_lock(&lock);
    int is_last = (node->lookups -= count) == 0;
    if (is_last) {
        struct node **link = bucket_of(node->device, node->number);
        while (*link != node) link = &(*link)->next;
        *link = node->next;
    }
    pthread_mutex_unlock(&lock);
    if (!is_last) return;
    close(node->fd);
    free(node);
}

static void forget(fuse_req_t request, fuse_ino_t ino, uint64_t count)
{
    forget_one(ino, count);
    fuse_reply_none(request);
}

static void forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++) forget_one(forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(request);
}

static void reply_entry(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param entry;
    int code = find(fd_of(parent), name, &entry);
    if (code) fuse_reply_err(request, code); else fuse_reply_entry(request, &entry);
}

static void lookup(fuse_req_t request, fuse_ino_t parent, const char *name) { reply_entry(request, parent, name); }

// ---- Attributes

static void getattr(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file)
{
    struct stat attributes;
    (void)file;
    if (fstatat(fd_of(ino), "", &attributes, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0) return reply(request, -1);
    fuse_reply_attr(request, &attributes, CACHE_SECONDS);
}

static int change(int fd, struct stat *to, int what, struct fuse_file_info *file)
{
    char path[32];
    if (what & FUSE_SET_ATTR_MODE && chmod(link_path(path, fd), to->st_mode) < 0) return -1;
    if (what & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) {
        uid_t user = what & FUSE_SET_ATTR_UID ? to->st_uid : (uid_t)-1;
        gid_t group = what & FUSE_SET_ATTR_GID ? to->st_gid : (gid_t)-1;
        if (fchownat(fd, "", user, group, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0) return -1;
    }
    if (what & FUSE_SET_ATTR_SIZE) {
        int result = file ? ftruncate(file->fh, to->st_size) : truncate(link_path(path, fd), to->st_size);
        if (result < 0) return -1;
    }
    if (what & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)) {
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
        if (what & FUSE_SET_ATTR_ATIME) times[0] = to->st_atim;
        if (what & FUSE_SET_ATTR_MTIME) times[1] = to->st_mtim;
        if (what & FUSE_SET_ATTR_ATIME_NOW) times[0].tv_nsec = UTIME_NOW;
        if (what & FUSE_SET_ATTR_MTIME_NOW) times[1].tv_nsec = UTIME_NOW;
        if (utimensat(AT_FDCWD, link_path(path, fd), times, 0) < 0) return -1;
    }
    return 0;
}

static void setattr(fuse_req_t request, fuse_ino_t ino, struct stat *to, int what, struct fuse_file_info *file)
{
    if (change(fd_of(ino), to, what, file) < 0) return reply(request, -1);
    getattr(request, ino, file);
}

static void statfs(fuse_req_t request, fuse_ino_t ino)
{
    struct statvfs numbers;
    if (fstatvfs(fd_of(ino), &numbers) < 0) return reply(request, -1);
    fuse_reply_statfs(request, &numbers);
}

// ---- Names

static void node_made(fuse_req_t request, fuse_ino_t parent, const char *name, int result)
{
    if (result < 0) reply(request, -1); else reply_entry(request, parent, name);
}

static void make_node(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
    node_made(request, parent, name, mknodat(fd_of(parent), name, mode, device));
}

static void make_directory(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
    node_made(request, parent, name, mkdirat(fd_of(parent), name, mode));
}

static void make_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
    node_made(request, parent, name, symlinkat(target, fd_of(parent), name));
}

static void make_link(fuse_req_t request, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
    char path[32];
    int result = linkat(AT_FDCWD, link_path(path, fd_of(ino)), fd_of(parent), name, AT_SYMLINK_FOLLOW);
    node_made(request, parent, name, result);
}

static void read_link(fuse_req_t request, fuse_ino_t ino)
{
    char target[4097];
    ssize_t length = readlinkat(fd_of(ino), "", target, sizeof target - 1);
    if (length < 0) return reply(request, -1);
    target[length] = 0;
    fuse_reply_readlink(request, target);
}

static void remove_file(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    reply(request, unlinkat(fd_of(parent), name, 0));
}

static void remove_directory(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    reply(request, unlinkat(fd_of(parent), name, AT_REMOVEDIR));
}

static void move(
    fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
    unsigned flags)
{
    reply(request, renameat2(fd_of(parent), name, fd_of(new_parent), new_name, flags));
}

// ---- Files

static void create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *file)
{
    struct fuse_entry_param entry;
    int fd = openat(fd_of(parent), name, (file->flags | O_CREAT | O_CLOEXEC) & ~O_NOFOLLOW, mode);
    if (fd < 0) return reply(request, -1);
    int code = find(fd_of(parent), name, &entry);
    if (code) {
        close(fd);
        fuse_reply_err(request, code);
        return;
    }
    file->fh = fd;
    if (fuse_reply_create(request, &entry, file) == -ENOENT) close(fd);
}

static void open_file(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file)
{
    char path[32];
    int fd = open(link_path(path, fd_of(ino)), (file->flags | O_CLOEXEC) & ~(O_NOFOLLOW | O_CREAT));
    if (fd < 0) return reply(request, -1);
    file->fh = fd;
    if (fuse_reply_open(request, file) == -ENOENT) close(fd);
}

static void release(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file)
{
    (void)ino;
    close(file->fh);
    fuse_reply_err(request, 0);
}

static void flush(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file)
{
    (void)ino;
    reply(request, close(dup(file->fh)));
}

static void sync_file(fuse_req_t request, fuse_ino_t ino, int data_only, struct fuse_file_info *file)
{
    (void)ino;
    reply(request, data_only ? fdatasync(file->fh) : fsync(file->fh));
}

static void read_file(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
    static _Thread_local char *buffer;
    (void)ino;
    if (!buffer && !(buffer = aligned_alloc(4096, READ_LIMIT))) return (void)fuse_reply_err(request, ENOMEM);
    ssize_t count = pread(file->fh, buffer, size < READ_LIMIT ? size : READ_LIMIT, offset);
    if (count < 0) return reply(request, -1);
    fuse_reply_buf(request, buffer, count);
}

static void write_file(
    fuse_req_t request, fuse_ino_t ino, const char *data, size_t size, off_t offset, struct fuse_file_info *file)
{
    (void)ino;
    ssize_t count = pwrite(file->fh, data, size, offset);
    if (count < 0) return reply(request, -1);
    fuse_reply_write(request, count);
}

static void allocate(
    fuse_req_t request, fuse_ino_t ino, int mode, off_t offset, off_t length, struct fuse_file_info *file)
{
    (void)ino;
    reply(request, fallocate(file->fh, mode, offset, length));
}

// ---- Directories

static void open_directory(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file)
{
    int fd = openat(fd_of(ino), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream) {
        reply(request, -1);
        if (fd >= 0) close(fd);
        return;
    }
    file->fh = (uintptr_t)stream;
    if (fuse_reply_open(request, file) == -ENOENT) closedir(stream);
}

static size_t add_entry(
    fuse_req_t request, fuse_ino_t ino, char *buffer, size_t room, const struct dirent *item, int plus)
{
    struct fuse_entry_param entry = {.attr = {.st_ino = item->d_ino, .st_mode = item->d_type << 12}};
    if (!plus) return fuse_add_direntry(request, buffer, room, item->d_name, &entry.attr, item->d_off);
    int is_dots = !strcmp(item->d_name, ".") || !strcmp(item->d_name, "..");
    if (!is_dots && find(fd_of(ino), item->d_name, &entry) != 0) return 0;
    size_t size = fuse_add_direntry_plus(request, buffer, room, item->d_name, &entry, item->d_off);
    if (size > room && entry.ino) forget_one(entry.ino, 1);
    return size;
}

static void list(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file, int plus)
{
    DIR *stream = (DIR *)(uintptr_t)file->fh;
    char *buffer = malloc(size);
    size_t used = 0;
    if (!buffer) return (void)fuse_reply_err(request, ENOMEM);
    if (telldir(stream) != offset) seekdir(stream, offset);
    for (;;) {
        long before = telldir(stream);
        struct dirent *item = readdir(stream);
        if (!item) break;
        size_t added = add_entry(request, ino, buffer + used, size - used, item, plus);
        if (added > size - used) {
            seekdir(stream, before);
            break;
        }
        used += added;
    }
    fuse_reply_buf(request, buffer, used);
    free(buffer);
}

static void list_names(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
    list(request, ino, size, offset, file, 0);
}

static void list_nodes(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
    list(request, ino, size, offset, file, 1);
}

static void release_directory(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *file)
{
    (void)ino;
    closedir((DIR *)(uintptr_t)file->fh);
    fuse_reply_err(request, 0);
}

// ---- Session

static void init(void *context, struct fuse_conn_info *connection)
{
    (void)context;
    // Splicing costs more than copying for pieces of a megabyte.
    connection->want &= ~(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    connection->max_readahead = 1 << 20;
}

static const struct fuse_lowlevel_ops operations = {
    .init = init, .lookup = lookup, .forget = forget, .forget_multi = forget_multi, .getattr = getattr,
    .setattr = setattr, .readlink = read_link, .mknod = make_node, .mkdir = make_directory, .unlink = remove_file,
    .rmdir = remove_directory, .symlink = make_symlink, .rename = move, .link = make_link, .open = open_file, .create = create, .read = read_file,
    .write = write_file, .flush = flush, .release = release, .fsync = sync_file, .opendir = open_directory,
    .readdir = list_names, .readdirplus = list_nodes, .releasedir = release_directory, .statfs = statfs,
    .fallocate = allocate};

static int serve(struct fuse_session *session, const char *mountpoint)
{
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    fuse_loop_cfg_set_clone_fd(config, 1);
    int code = fuse_set_signal_handlers(session);
    if (code == 0 && (code = fuse_session_mount(session, mountpoint)) == 0) {
        printf("{\"mounted\": 1}\n");
        fflush(stdout);
        code = fuse_session_loop_mt(session, config);
        fuse_session_unmount(session);
    }
    fuse_remove_signal_handlers(session);
    fuse_loop_cfg_destroy(config);
    return code < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) return fprintf(stderr, "usage: passthrough DIRECTORY MOUNTPOINT\n"), 2;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    umask(0);
    root.fd = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root.fd < 0) return perror(argv[1]), 1;
    char *options[] = {argv[0], "-o", "fsname=passthrough,default_permissions", NULL};
    struct fuse_args arguments = FUSE_ARGS_INIT(3, options);
    struct fuse_session *session = fuse_session_new(&arguments, &operations, sizeof operations, NULL);
    if (!session) return 1;
    int status = serve(session, argv[2]);
    fuse_session_destroy(session);
    fuse_opt_free_args(&arguments);
    return status;
}
