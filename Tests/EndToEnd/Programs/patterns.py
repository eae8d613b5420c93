"""patterns.py: ways in which programs write, run in the directory to test."""
import mmap, os, random, subprocess, tempfile

# A header patched after the body, and output read again before close.
with open("header", "w+b") as f:
    f.write(b"\0" * 16 + b"body" * 1000)
    f.seek(0)
    f.write(b"count=0004000   ")
    f.seek(16)
    assert f.read(4) == b"body"
assert open("header", "rb").read() == b"count=0004000   " + b"body" * 1000

# Random writes within what is not yet sealed, against a model.
random.seed(5)
model = bytearray()
with open("random", "w+b", 0) as f:
    for _ in range(300):
        at, data = random.randrange(len(model) + 1000), random.randbytes(random.randrange(1, 3000))
        f.seek(at)
        f.write(data)
        if at > len(model):
            model.extend(bytes(at - len(model)))
        model[at : at + len(data)] = data
        if random.random() < 0.2:
            f.seek(0)
            assert f.read() == bytes(model)
assert open("random", "rb").read() == bytes(model)

# A hole by seeking, and one by truncating.
with open("hole", "wb") as f:
    f.seek(5_000_000)
    f.write(b"end")
data = open("hole", "rb").read()
assert len(data) == 5_000_003 and data[:5_000_000].count(0) == 5_000_000 and data[-3:] == b"end"
with open("extended", "wb") as f:
    f.write(b"start")
    f.truncate(100_000)
assert open("extended", "rb").read() == b"start" + bytes(99_995)

# Saving as editors do: a temporary beside, fsync, rename over.
for text in (b"first", b"second"):
    handle, name = tempfile.mkstemp(dir=".")
    os.write(handle, text)
    os.fsync(handle)
    os.fchmod(handle, 0o644)
    os.close(handle)
    os.replace(name, "document")
    assert open("document", "rb").read() == text

# Opened, then unlinked before it is closed.
with open("gone", "wb") as f:
    f.write(b"x")
    os.unlink("gone")
assert not os.path.exists("gone")

# Renamed before it is closed.
with open("early", "wb") as f:
    f.write(b"renamed while open")
    os.rename("early", "late")
assert open("late", "rb").read() == b"renamed while open" and not os.path.exists("early")

# Written anew under its name; and who has the old file open while another is renamed over it goes on reading the old one.
with open("document", "wb") as f:
    f.write(b"third")
assert open("document", "rb").read() == b"third"
old = open("document", "rb")
with open("fourth", "wb") as f:
    f.write(b"fourth")
os.rename("fourth", "document")
assert old.read() == b"third" and open("document", "rb").read() == b"fourth"

# Descriptors duplicated and inherited: visible when the last of the creator's is closed.
fd = os.open("dup", os.O_WRONLY | os.O_CREAT)
copy = os.dup(fd)
os.close(fd)
os.write(copy, b"after the first close")
subprocess.run(["sh", "-c", "echo ' and from a child' >&%d" % copy], pass_fds=[copy], check=True)
os.close(copy)
assert open("dup", "rb").read() == b"after the first close and from a child\n"

# Mapped for reading.
with open("random", "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
    assert m[:] == bytes(model)

# Small reads at odd places.
with open("random", "rb") as f:
    for _ in range(200):
        at, count = random.randrange(len(model)), random.randrange(1, 5000)
        f.seek(at)
        assert f.read(count) == bytes(model[at : at + count])
