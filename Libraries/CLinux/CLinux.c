#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

static int clamp(int count) {
    return count > LINUX_DATAGRAM_BATCH ? LINUX_DATAGRAM_BATCH : count;
}

int linux_receive_datagrams(int fd, struct linux_datagram *datagrams, int count) {
    struct mmsghdr headers[LINUX_DATAGRAM_BATCH];
    struct iovec vectors[LINUX_DATAGRAM_BATCH];
    struct sockaddr_in addresses[LINUX_DATAGRAM_BATCH];
    count = clamp(count);
    for (int i = 0; i < count; i++) {
        vectors[i] = (struct iovec){datagrams[i].data, datagrams[i].capacity};
        headers[i].msg_hdr = (struct msghdr){
            .msg_name = &addresses[i], .msg_namelen = sizeof addresses[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    int received;
    do {
        received = recvmmsg(fd, headers, (unsigned)count, MSG_DONTWAIT, NULL);
    } while (received < 0 && errno == EINTR);
    if (received < 0) return -errno;
    for (int i = 0; i < received; i++) {
        datagrams[i].length = headers[i].msg_len;
        datagrams[i].address = addresses[i].sin_addr.s_addr;
        datagrams[i].port = addresses[i].sin_port;
        datagrams[i].truncated = (headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    }
    return received;
}

int linux_send_datagrams(int fd, const struct linux_datagram *datagrams, const uint16_t *slots, int count) {
    struct mmsghdr headers[LINUX_DATAGRAM_BATCH];
    struct iovec vectors[LINUX_DATAGRAM_BATCH];
    struct sockaddr_in addresses[LINUX_DATAGRAM_BATCH];
    count = clamp(count);
    for (int i = 0; i < count; i++) {
        const struct linux_datagram *datagram = &datagrams[slots[i]];
        vectors[i] = (struct iovec){datagram->data, datagram->length};
        addresses[i] = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = datagram->port, .sin_addr = {datagram->address}};
        headers[i].msg_hdr = (struct msghdr){
            .msg_name = &addresses[i], .msg_namelen = sizeof addresses[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    int sent;
    do {
        sent = sendmmsg(fd, headers, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int linux_accept(int fd, uint32_t *address, uint16_t *port) {
    struct sockaddr_in peer = {0};
    socklen_t length = sizeof peer;
    int accepted = accept4(fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) return -errno;
    *address = peer.sin_addr.s_addr;
    *port = peer.sin_port;
    return accepted;
}

int linux_socket_udp(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int linux_socket_tcp(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

ssize_t linux_sendfile(int socket, int file, int64_t offset, size_t count) {
    off_t position = offset;
    ssize_t sent = sendfile(socket, file, &position, count);
    return sent < 0 ? -errno : sent;
}

ssize_t linux_read_resident(int fd, void *buffer, size_t count, int64_t offset)
{
    struct iovec vector = {buffer, count};
    ssize_t result = preadv2(fd, &vector, 1, offset, RWF_NOWAIT);
    return result < 0 ? -errno : result;
}

int linux_pipe(int descriptors[2]) {
    return pipe2(descriptors, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
}

int linux_fallocate(int fd, int keepSize, int64_t offset, int64_t length) {
    return fallocate(fd, keepSize ? FALLOC_FL_KEEP_SIZE : 0, offset, length) < 0 ? -errno : 0;
}

int linux_reopen_direct(int fd) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int direct = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    return direct < 0 ? -errno : direct;
}

int linux_syncfs(int fd) {
    return syncfs(fd) < 0 ? -errno : 0;
}

int linux_start_writeback(int fd, int64_t offset, int64_t length) {
    return sync_file_range(fd, offset, length, SYNC_FILE_RANGE_WRITE) < 0 ? -errno : 0;
}

int linux_rename_noreplace(int oldDirectory, const char *oldName, int newDirectory, const char *newName) {
    return renameat2(oldDirectory, oldName, newDirectory, newName, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

int linux_set_parent_death_signal(int signal) {
    return prctl(PR_SET_PDEATHSIG, (unsigned long)signal) < 0 ? -errno : 0;
}

int linux_set_io_flusher(void) {
    return prctl(PR_SET_IO_FLUSHER, 1UL, 0UL, 0UL, 0UL) < 0 ? -errno : 0;
}

int linux_thread_belongs(int group, int thread) {
    return tgkill(group, thread, 0) == 0 || errno == EPERM;
}

int linux_thread_id(void) {
    return gettid();
}

int linux_process_open(int process) {
    long fd = syscall(SYS_pidfd_open, process, 0);
    return fd < 0 ? -errno : (int)fd;
}

int linux_process_exists(int processDescriptor) {
    return syscall(SYS_pidfd_send_signal, processDescriptor, 0, NULL, 0) == 0 || errno == EPERM;
}

void linux_set_thread_name(const char *name) {
    char kept[16];
    strncpy(kept, name, sizeof kept - 1);
    kept[sizeof kept - 1] = 0;
    pthread_setname_np(pthread_self(), kept);
}

const char *linux_errno_name(int code) {
    return strerrorname_np(code);
}

_Static_assert(
    LINUX_MOUNT_READ_ONLY == MS_RDONLY && LINUX_MOUNT_NO_SETUID == MS_NOSUID && LINUX_MOUNT_NO_DEVICES == MS_NODEV
        && LINUX_MOUNT_NO_EXECUTION == MS_NOEXEC && LINUX_MOUNT_SYNCHRONOUS == MS_SYNCHRONOUS
        && LINUX_MOUNT_REMOUNT == MS_REMOUNT && LINUX_MOUNT_SYNCHRONOUS_DIRECTORIES == MS_DIRSYNC
        && LINUX_MOUNT_NO_ACCESS_TIMES == MS_NOATIME && LINUX_MOUNT_NO_DIRECTORY_ACCESS_TIMES == MS_NODIRATIME
        && LINUX_MOUNT_RELATIVE_ACCESS_TIMES == MS_RELATIME,
    "the flags of mount(2)");

int linux_start_in_background(const char *program, char *const arguments[], int error, int readiness) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0) return -code;
    code = posix_spawnattr_init(&attributes);
    if (code != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -code;
    }
    pid_t started = 0;
    code = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO);
    if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, readiness, 3);
    // Whoever called may hold a lock or a pipe in another one, which is not to be held for as long as the program runs.
    if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(&actions, 4);
    if (code == 0) code = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (code == 0) code = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (code == 0) code = posix_spawn_file_actions_addchdir_np(&actions, "/");
    if (code == 0) code = posix_spawn(&started, program, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code != 0 ? -code : started;
}

int linux_ioctl(int fd, unsigned request) {
    int result = ioctl(fd, (unsigned long)request, 0);
    return result < 0 ? -errno : result;
}

int linux_sync_filesystem(int descriptor) {
    return syncfs(descriptor) < 0 ? -errno : 0;
}

int linux_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    return mount(source, target, type, flags, data) < 0 ? -errno : 0;
}

int linux_receive_descriptor(int socket) {
    char byte;
    struct iovec vector = {&byte, 1};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t count;
    do {
        count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS
        || header->cmsg_len != CMSG_LEN(sizeof(int)))
        return -ECONNRESET;
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}

int linux_unmount_lazily(const char *path) {
    return umount2(path, MNT_DETACH) < 0 ? -errno : 0;
}

unsigned linux_device_major(uint64_t device) {
    return major(device);
}

unsigned linux_device_minor(uint64_t device) {
    return minor(device);
}
