"""map-shared.py: mappings that could lose what is stored through them are refused; run in the directory to test."""
import errno, mmap, os
from refused import refused


def map_writable(fd):
    mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)


# As numpy.memmap(mode="w+") and linkers do.
fd = os.open("new", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 1 << 20)
refused([errno.ENODEV], map_writable, fd)
# What is private to the program is its own affair.
with mmap.mmap(fd, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE) as private:
    private[:4] = b"mine"
os.pwrite(fd, b"written", 0)
with mmap.mmap(fd, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ) as private:
    assert private[:8] == b"written\0"
os.close(fd)
assert open("new", "rb").read() == b"written" + bytes((1 << 20) - 7)

# A finished file.
fd = os.open("new", os.O_RDWR)
refused([errno.ENODEV], map_writable, fd)
assert os.pread(fd, 7, 0) == b"written"
os.close(fd)

# Reading is as before.
with open("new", "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as shared:
    assert shared[:7] == b"written"

# Somebody reads along while the kernel's cache is left out of the writing: no old page is left afterwards.
for turn in range(20):
    name = f"along-{turn}"
    fd = os.open(name, os.O_RDWR | os.O_CREAT)
    os.write(fd, bytes(3 * 4096))
    along = os.open(name, os.O_RDONLY)
    assert os.pread(along, 4096, 4096) == bytes(4096)
    os.pwrite(fd, b"n" * 4096, 4096)
    assert os.pread(along, 4096, 4096) == b"n" * 4096
    os.close(fd)
    assert os.pread(along, 3 * 4096, 0) == bytes(4096) + b"n" * 4096 + bytes(4096)
    os.close(along)
    assert open(name, "rb").read() == bytes(4096) + b"n" * 4096 + bytes(4096)
    with open(name, "r+b", 0) as f:
        f.seek(0, 2)
        f.write(b"end")
        f.seek(4096)
        assert f.read() == b"n" * 4096 + bytes(4096) + b"end"
    assert open(name, "rb").read()[4096:] == b"n" * 4096 + bytes(4096) + b"end"
