"""first-error.py: a write that fails must not be forgotten at the close; run in the directory to test."""
import errno, os
from refused import refused

LARGE = 40 << 20  # more than may be open at once
BEYOND = 4 << 60


def write_large(fd):
    for _ in range(LARGE >> 20):
        assert os.write(fd, b"x" * (1 << 20)) == 1 << 20


# Nothing appears, and the error is told to the end.
fd = os.open("damaged", os.O_WRONLY | os.O_CREAT)
write_large(fd)
refused([errno.EFBIG], os.pwrite, fd, b"header", BEYOND)
refused([errno.EFBIG], os.write, fd, b"more")
refused([errno.EFBIG], os.fsync, fd)
refused([errno.EFBIG], os.close, fd)
assert not os.path.exists("damaged")

# What stood under the name stays.
with open("kept", "wb") as f:
    f.write(b"old")
fd = os.open("kept", os.O_WRONLY | os.O_TRUNC)
write_large(fd)
refused([errno.EFBIG], os.pwrite, fd, b"x", BEYOND)
refused([errno.EFBIG], os.close, fd)
assert open("kept", "rb").read() == b"old"

# A finished file stays as it was even if a later write could be taken.
fd = os.open("kept", os.O_WRONLY)
os.pwrite(fd, b"x", 0)
refused([errno.EFBIG], os.pwrite, fd, b"x", BEYOND)
refused([errno.EFBIG], os.pwrite, fd, b"x", 3)
refused([errno.EFBIG], os.fsync, fd)
refused([errno.EFBIG], os.close, fd)
assert open("kept", "rb").read() == b"old"

# Beginning anew takes the error away: nothing is missing then.
fd = os.open("anew", os.O_WRONLY | os.O_CREAT)
write_large(fd)
refused([errno.EFBIG], os.pwrite, fd, b"x", BEYOND)
os.ftruncate(fd, 0)
os.pwrite(fd, b"whole", 0)
os.close(fd)
assert open("anew", "rb").read() == b"whole"

# A size that no file can have: nothing is lost by it, and nobody else's files suffer.
fd = os.open("sized", os.O_WRONLY | os.O_CREAT)
os.write(fd, b"sized")
refused([errno.EFBIG], os.ftruncate, fd, 4 << 60)
refused([errno.EFBIG], os.truncate, "kept", 4 << 60)
os.close(fd)
assert open("sized", "rb").read() == b"sized"
fd = os.open("beyond", os.O_WRONLY | os.O_CREAT)
refused([errno.EFBIG], os.pwrite, fd, b"x", 4 << 60)
refused([errno.EFBIG], os.close, fd)
assert not os.path.exists("beyond")
with open("sparse", "wb") as f:
    f.truncate(1 << 40)
assert os.stat("sparse").st_size == 1 << 40
