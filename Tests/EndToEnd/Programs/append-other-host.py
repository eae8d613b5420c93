"""append-other-host.py MOUNT MOUNT: what is written to a file that another host has changed since it was opened."""
import errno, os, sys
from refused import refused

here, there = sys.argv[1:3]


def append(mount, name, text):
    with open(f"{mount}/{name}", "ab", 0) as log:
        log.write(text)


def content(mount, name):
    fd = os.open(f"{mount}/{name}", os.O_RDONLY)
    try:
        return os.read(fd, 1 << 20)
    finally:
        os.close(fd)


# At once after the other's append, while names are still believed.
append(here, "log", b"one\n")
append(there, "log", b"two\n")
append(here, "log", b"three\n")
append(there, "log", b"four\n")
append(here, "log", b"five\n")
assert content(here, "log") == b"one\ntwo\nthree\nfour\nfive\n", content(here, "log")

# Open over the other's append.
with open(f"{here}/log", "ab", 0) as f:
    f.write(b"six\n")
    append(there, "log", b"seven\n")
    f.write(b"eight\n")
assert content(here, "log").endswith(b"five\nseven\nsix\neight\n"), content(here, "log")

# What was not appended cannot be moved: it is refused, and what the other wrote stays.
fd = os.open(f"{here}/log", os.O_WRONLY)
size = os.fstat(fd).st_size
os.pwrite(fd, b"patch\n", size)
append(there, "log", b"nine\n")
refused([errno.ESTALE], os.close, fd)
assert content(there, "log").endswith(b"six\neight\nnine\n"), content(there, "log")

# Opened for patching right after the other's append: the kernel looks the name up again.
append(there, "log", b"ten\n")
fd = os.open(f"{here}/log", os.O_WRONLY)
os.pwrite(fd, b"eleven\n", os.fstat(fd).st_size)
os.close(fd)
assert content(here, "log").endswith(b"nine\nten\neleven\n"), content(here, "log")

# The log was moved away by the other: it is not made again.
fd = os.open(f"{here}/log", os.O_WRONLY | os.O_APPEND)
os.write(fd, b"late\n")
os.rename(f"{there}/log", f"{there}/log.1")
refused([errno.ESTALE], os.close, fd)
assert not os.path.exists(f"{there}/log")
assert content(there, "log.1").endswith(b"ten\neleven\n")
append(there, "log", b"begun anew\n")

# Replacing is meant to replace, whatever is there.
with open(f"{here}/log", "wb", 0) as f:
    append(there, "log", b"more\n")
    f.write(b"anew\n")
assert content(here, "log") == b"anew\n"
