#define _GNU_SOURCE
#include "SystemCalls.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

int program_fallocate(int fd, int mode, int64_t offset, int64_t count) { return fallocate(fd, mode, offset, count); }

int program_rename_noreplace(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int program_pipe(int descriptors[2]) { return pipe2(descriptors, O_CLOEXEC); }

int program_become(uint32_t user, uint32_t group, const uint32_t *others, int count) {
    gid_t groups[8];
    if (count < 0 || count > 8) {
        errno = EINVAL;
        return -1;
    }
    for (int i = 0; i < count; i++) groups[i] = others[i];
    if (seteuid(0) != 0 || setgroups(count, groups) != 0 || setegid(group) != 0) return -1;
    return seteuid(user);
}

int program_access(const char *path, int rights) { return faccessat(AT_FDCWD, path, rights, AT_EACCESS); }

int program_set_times(const char *path, int fd, const struct timespec times[2]) {
    return path ? utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) : futimens(fd, times);
}

int64_t program_list_attributes(const char *path, int fd, char *names, size_t size) {
    return path ? llistxattr(path, names, size) : flistxattr(fd, names, size);
}

int64_t program_get_attribute(const char *path, int fd, const char *name, void *value, size_t size) {
    return path ? lgetxattr(path, name, value, size) : fgetxattr(fd, name, value, size);
}

int program_set_attribute(const char *path, int fd, const char *name, const void *value, size_t size, int flags) {
    return path ? lsetxattr(path, name, value, size, flags) : fsetxattr(fd, name, value, size, flags);
}

int program_remove_attribute(const char *path, int fd, const char *name) {
    return path ? lremovexattr(path, name) : fremovexattr(fd, name);
}
