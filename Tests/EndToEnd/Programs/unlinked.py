"""unlinked.py: a finished file that is open for writing goes on without its name; run in the directory to test."""
import os


def finished(name, data=b"old"):
    with open(name, "wb") as f:
        f.write(data)
    return os.open(name, os.O_RDWR)


fd = finished("a")
os.unlink("a")
os.ftruncate(fd, 0)
os.pwrite(fd, b"scratch", 0)
assert os.fstat(fd).st_size == 7
assert os.pread(fd, 100, 0) == b"scratch"
os.close(fd)
assert not os.path.exists("a")

fd = finished("b")
os.unlink("b")
os.pwrite(fd, b" and new", 3)
assert os.pread(fd, 100, 0) == b"old and new"
# The name is somebody else's by now.
with open("b", "wb") as f:
    f.write(b"another")
os.ftruncate(fd, 20)
assert os.fstat(fd).st_size == 20
os.close(fd)
assert open("b", "rb").read() == b"another"

# Another file was renamed over it.
fd = finished("c")
with open("d", "wb") as f:
    f.write(b"successor")
os.rename("d", "c")
os.ftruncate(fd, 0)
os.write(fd, b"nobody's")
os.close(fd)
assert open("c", "rb").read() == b"successor"

# Finished by its creator while a child still has it, then unlinked.
fd = os.open("e", os.O_WRONLY | os.O_CREAT)
os.write(fd, b"first")
reader, writer = os.pipe()
if os.fork() == 0:
    os.close(writer)
    os.read(reader, 1)
    try:
        os.write(fd, b"second")
        os._exit(0)
    except OSError as error:
        print(error)
        os._exit(1)
os.close(fd)
os.unlink("e")
os.close(writer)
assert os.wait()[1] == 0
assert not os.path.exists("e")
