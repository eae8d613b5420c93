"""map-shared.py MOUNT OTHER: files are written through shared mappings; the other mount sees what comes of it."""
import mmap, os, sys, time

mount, other = sys.argv[1:3]
os.chdir(mount)
SIZE = 20 << 20


def content(path):
    with open(path, "rb") as f:
        return f.read()


def appears(name, expected):
    """At the release, which may be a moment after the last close(2)."""
    for _ in range(100):
        if content(f"{other}/{name}") == expected:
            return
        time.sleep(0.1)
    raise SystemExit(f"{name}: {content(f'{other}/{name}')[:60]}")


# As numpy.memmap(mode="w+") and linkers do: the descriptor is closed before the pages are written.
fd = os.open("new", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, SIZE)
number = os.fstat(fd).st_ino
shared = mmap.mmap(fd, SIZE)
os.close(fd)
shared[:5] = b"first"
shared[SIZE - 4 :] = b"last"
shared[5_000_000:5_000_003] = b"mid"
shared.close()
expected = bytearray(SIZE)
expected[:5], expected[5_000_000:5_000_003], expected[SIZE - 4 :] = b"first", b"mid", b"last"
assert content("new") == expected
appears("new", expected)
assert os.stat("new").st_ino == os.stat(f"{other}/new").st_ino == number

# A finished file, as mode="r+": msync tells how it went, and publishes.
with open("new", "r+b") as f, mmap.mmap(f.fileno(), 0) as shared:
    assert shared[5_000_000:5_000_003] == b"mid"
    shared[:5] = b"again"
    shared.flush()
    expected[:5] = b"again"
    assert content(f"{other}/new") == expected
    # What is written and what is mapped are the same.
    f.seek(100)
    f.write(b"written")
    f.flush()
    assert shared[100:107] == b"written"
    shared[107:110] = b"map"
    f.seek(100)
    assert f.read(10) == b"writtenmap"
    expected[100:110] = b"writtenmap"
appears("new", expected)

# Two who map it at once, one of them only to look.
writer, reader = os.open("new", os.O_RDWR), os.open("new", os.O_RDONLY)
looking = mmap.mmap(reader, SIZE, prot=mmap.PROT_READ)
with mmap.mmap(writer, SIZE) as shared:
    shared[200:204] = b"seen"
    assert looking[200:204] == b"seen" and os.pread(reader, 4, 200) == b"seen"
os.close(writer)
expected[200:204] = b"seen"
assert looking[200:204] == b"seen" and os.pread(reader, 4, 200) == b"seen"
appears("new", expected)
looking.close()
os.close(reader)

# What is private to a program is its own affair.
with open("new", "r+b") as f, mmap.mmap(f.fileno(), 4096, mmap.MAP_PRIVATE) as private:
    private[:4] = b"mine"
assert content("new") == expected

# Somebody reads along while it is written: no old page is left.
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
    with open(name, "r+b", 0) as f:
        f.seek(0, 2)
        f.write(b"end")
        f.seek(4096)
        assert f.read() == b"n" * 4096 + bytes(4096) + b"end"
    assert os.pread(along, 100, 3 * 4096) == b"end"
    os.close(along)
    assert content(name)[4096:] == b"n" * 4096 + bytes(4096) + b"end"
