#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

// What programs ask of a filesystem and Swift's Glibc does not have. Like the calls themselves: 0, or -1 and errno.

/// fallocate(2), with every mode.
int program_fallocate(int fd, int mode, int64_t offset, int64_t count);

/// renameat2(2) with RENAME_NOREPLACE.
int program_rename_noreplace(const char *from, const char *to);

/// Makes a pipe that programs started by this one do not inherit.
int program_pipe(int descriptors[2]);

/// Takes the effective ids of a user, with at most eight further groups, and with them his rights and no others. Whoever
/// calls it was root in the beginning. The signal at the parent's death is forgotten by that.
int program_become(uint32_t user, uint32_t group, const uint32_t *others, int count);

/// faccessat(2) with AT_EACCESS.
int program_access(const char *path, int rights);

// What a path leads to, and if it is a symbolic link that one; without a path, a descriptor.

/// utimensat(2): access time, then time of modification.
int program_set_times(const char *path, int fd, const struct timespec times[2]);

/// listxattr(2). - Returns: how many bytes of names, each ended by a zero.
int64_t program_list_attributes(const char *path, int fd, char *names, size_t size);

/// getxattr(2). - Returns: how many bytes.
int64_t program_get_attribute(const char *path, int fd, const char *name, void *value, size_t size);

/// setxattr(2).
int program_set_attribute(const char *path, int fd, const char *name, const void *value, size_t size, int flags);

/// removexattr(2).
int program_remove_attribute(const char *path, int fd, const char *name);
