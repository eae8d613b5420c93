#pragma once
// Narrow prototypes of Linux calls that glibc only declares with _GNU_SOURCE, or that Swift cannot call (variadic).
// Every function that reports an error returns -errno, so that no caller depends on when errno was read.
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// The most datagrams that one call sends or receives.
#define LINUX_DATAGRAM_BATCH 64

/// One IPv4 datagram of a batch; address and port are in network byte order.
struct linux_datagram {
    void *data;
    uint32_t capacity;
    uint32_t length;
    uint32_t address;
    uint16_t port;
    uint16_t truncated;
};

/// recvmmsg without waiting. Fills `length`, `address`, `port`, `truncated`. Returns how many arrived, or -errno.
int linux_receive_datagrams(int fd, struct linux_datagram *datagrams, int count);

/// sendmmsg without waiting of datagrams[slots[0]], datagrams[slots[1]], ... Returns how many were sent, or -errno.
int linux_send_datagrams(int fd, const struct linux_datagram *datagrams, const uint16_t *slots, int count);

/// accept4 with SOCK_NONBLOCK | SOCK_CLOEXEC. Returns the descriptor or -errno.
int linux_accept(int fd, uint32_t *address, uint16_t *port);

/// A non-blocking, close-on-exec IPv4 socket. Returns the descriptor or -errno.
int linux_socket_udp(void);
int linux_socket_tcp(void);

/// sendfile at `offset` (not changing the descriptor's own). Returns bytes sent or -errno.
ssize_t linux_sendfile(int socket, int file, int64_t offset, size_t count);

/// Opens the file of `fd` again for reading with O_DIRECT, also when it has no name any more. Returns the descriptor or
/// -errno: EINVAL when the filesystem cannot read past the page cache.
int linux_reopen_direct(int fd);

/// preadv2 with RWF_NOWAIT: only what is in memory already. Returns bytes read (fewer when the rest would have to be waited for) or
/// -errno, -EAGAIN when nothing is at hand.
ssize_t linux_read_resident(int fd, void *buffer, size_t count, int64_t offset);

/// pipe2 with O_CLOEXEC | O_NONBLOCK. Returns 0 or -errno.
int linux_pipe(int descriptors[2]);

/// fallocate with FALLOC_FL_KEEP_SIZE when `keepSize`. Returns 0 or -errno.
int linux_fallocate(int fd, int keepSize, int64_t offset, int64_t length);

/// syncfs: every dirty page and inode of the filesystem that holds `fd`. Returns 0 or -errno.
int linux_syncfs(int fd);

/// sync_file_range(SYNC_FILE_RANGE_WRITE): start writing dirty pages, without waiting. Returns 0 or -errno.
int linux_start_writeback(int fd, int64_t offset, int64_t length);

/// renameat2 with RENAME_NOREPLACE. Returns 0 or -errno.
int linux_rename_noreplace(int oldDirectory, const char *oldName, int newDirectory, const char *newName);

/// prctl(PR_SET_PDEATHSIG): the kernel sends `signal` when the thread that started this process ends. 0 or -errno.
int linux_set_parent_death_signal(int signal);

/// prctl(PR_SET_IO_FLUSHER) for the calling thread and those that it starts: the kernel, short of memory, does not make
/// them write back what is theirs to write. 0 or -errno, -EPERM without CAP_SYS_RESOURCE.
int linux_set_io_flusher(void);

/// Whether `thread` is alive and belongs to the process `group` now. Nothing is sent.
int linux_thread_belongs(int group, int thread);

/// The kernel's number of the calling thread.
int linux_thread_id(void);

/// A descriptor of a process, which never means another one, or -errno.
int linux_process_open(int process);

/// Whether the process of such a descriptor has not been reaped, so that its number still means it.
int linux_process_exists(int processDescriptor);

/// Names the calling thread (at most 15 bytes are kept) for ps and debuggers.
void linux_set_thread_name(const char *name);

/// The name of an errno in headers, such as "EPERM"; NULL when it has none.
const char *linux_errno_name(int code);

/// Starts a program in a session of its own and in the root directory: standard input and output are /dev/null, standard
/// error is `error`, descriptor 3 is `readiness`, and it has no others. Returns its process number or -errno.
int linux_start_in_background(const char *program, char *const arguments[], int error, int readiness);

/// ioctl(2) without an argument. Returns what it returns, or -errno.
int linux_ioctl(int fd, unsigned request);

/// syncfs(2). Returns 0 or -errno.
int linux_sync_filesystem(int descriptor);

/// mount(2); `flags` are those of <sys/mount.h>. Returns 0 or -errno.
int linux_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);

/// The flags of mount(2) that people may set or clear.
#define LINUX_MOUNT_READ_ONLY 1ul
#define LINUX_MOUNT_NO_SETUID 2ul
#define LINUX_MOUNT_NO_DEVICES 4ul
#define LINUX_MOUNT_NO_EXECUTION 8ul
#define LINUX_MOUNT_SYNCHRONOUS 16ul
#define LINUX_MOUNT_REMOUNT 32ul
#define LINUX_MOUNT_SYNCHRONOUS_DIRECTORIES 128ul
#define LINUX_MOUNT_NO_SYMLINKS 256ul
#define LINUX_MOUNT_NO_ACCESS_TIMES 1024ul
#define LINUX_MOUNT_NO_DIRECTORY_ACCESS_TIMES 2048ul
#define LINUX_MOUNT_RELATIVE_ACCESS_TIMES 2097152ul

/// A descriptor that somebody passes through a socket. Returns it, close-on-exec, or -errno: -ECONNRESET when the other
/// end is closed without one.
int linux_receive_descriptor(int socket);

/// umount2 with MNT_DETACH. Returns 0 or -errno.
int linux_unmount_lazily(const char *path);

/// Device number as stat reports it, split in two.
unsigned linux_device_major(uint64_t device);
unsigned linux_device_minor(uint64_t device);
