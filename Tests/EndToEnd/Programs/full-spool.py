"""full-spool.py: more is changed than memory and spool take; run in the directory to test, of a mount that has little."""
import errno, os

LARGE = 48 << 20


def fill(name):
    fd = os.open(name, os.O_RDWR | os.O_CREAT)
    for offset in range(0, LARGE, 1 << 20):
        assert os.pwrite(fd, name.encode() * (1 << 19), offset) == 1 << 20
    return fd


full, other = fill("fu"), fill("ot")
os.rename("fu", "full")
assert os.pwrite(other, b"before", 0) == 6
try:
    for offset in range(0, LARGE // 2, 65536):
        os.pwrite(full, bytes(65536), offset)
    raise AssertionError("nothing was refused")
except OSError as error:
    assert error.errno == errno.ENOSPC, error
for _ in range(2):
    try:
        os.fsync(full)
        raise AssertionError("the error was forgotten")
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
try:
    os.close(full)
    raise AssertionError("a file with a hole was published")
except OSError as error:
    assert error.errno == errno.ENOSPC, error
assert not os.path.exists("full")
assert os.pwrite(other, b"behind", 20 << 20) == 6
os.close(other)
content = bytearray(b"ot" * (LARGE // 2))
content[0:6], content[20 << 20:(20 << 20) + 6] = b"before", b"behind"
assert open("ot", "rb").read() == content
