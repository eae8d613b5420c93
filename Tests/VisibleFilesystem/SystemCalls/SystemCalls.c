#define _GNU_SOURCE
#include "SystemCalls.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int program_fallocate(int fd, int mode, int64_t offset, int64_t count) { return fallocate(fd, mode, offset, count); }

int program_rename_noreplace(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int program_pipe(int descriptors[2]) { return pipe2(descriptors, O_CLOEXEC); }
