#pragma once

#include <stdint.h>

// What programs ask of a filesystem and Swift's Glibc does not have. Like the calls themselves: 0, or -1 and errno.

/// fallocate(2), with every mode.
int program_fallocate(int fd, int mode, int64_t offset, int64_t count);

/// renameat2(2) with RENAME_NOREPLACE.
int program_rename_noreplace(const char *from, const char *to);

/// Makes a pipe that programs started by this one do not inherit.
int program_pipe(int descriptors[2]);
