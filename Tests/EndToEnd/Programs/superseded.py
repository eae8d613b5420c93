"""superseded.py MOUNT OTHER MARK: versions that are read by way of OTHER are superseded by way of MOUNT, without a snapshot.

MARK is made when they are open, and again when there are newer ones; each time it goes on when somebody has removed it: at
last when the old versions are collected.
"""
import errno, os, sys, time

mount, other, mark = sys.argv[1:]
SIZE, PLACE, PIECE = 40 << 20, 20 << 20, 1 << 20


def pause():
    with open(mark, "x"):
        pass
    while os.path.exists(mark):
        time.sleep(0.02)


def read(name):
    with open(name, "rb") as file:
        return file.read()


content = os.urandom(PIECE) * (SIZE // PIECE)
for name in "appended", "patched":
    with open(f"{mount}/{name}", "wb") as file:
        file.write(content)
# Versions that one open file publishes on its way leave no snapshots of each other.
writer = os.open(f"{mount}/patched", os.O_RDWR)
os.pwrite(writer, b"first", PLACE)
os.fsync(writer)
first = content[:PLACE] + b"first" + content[PLACE + 5:]
appended, patched = (os.open(f"{other}/{name}", os.O_RDONLY) for name in ("appended", "patched"))
assert os.pread(appended, 4096, 0) == os.pread(patched, 4096, 0) == content[:4096]
pause()
with open(f"{mount}/appended", "ab") as file:
    file.write(b"more")
os.pwrite(writer, b"again", PLACE)
os.fsync(writer)
os.close(writer)
pause()

for offset in range(4096, SIZE, PIECE):
    piece = content[offset:offset + PIECE]
    assert os.pread(appended, len(piece), offset) == piece, offset
for _ in range(100):
    if os.fstat(appended).st_size == SIZE + 4:
        break
    time.sleep(0.1)
assert os.pread(appended, 100, SIZE) == b"more"

stale = 0
for offset in range(4096, SIZE, PIECE):
    piece = first[offset:offset + PIECE]
    try:
        # Less where what is gone begins in it.
        found = os.pread(patched, len(piece), offset)
        assert found and piece.startswith(found), offset
    except OSError as error:
        assert error.errno == errno.ESTALE, error
        stale += 1
assert stale
try:
    os.pread(patched, 5, PLACE)
    raise AssertionError("a version that is gone was read")
except OSError as error:
    assert error.errno == errno.ESTALE, error
assert read(f"{other}/patched") == content[:PLACE] + b"again" + content[PLACE + 5:]
assert read(f"{other}/appended") == content + b"more"
