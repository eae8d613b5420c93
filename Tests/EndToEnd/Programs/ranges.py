"""ranges.py MOUNT OTHER: fallocate(2) and copy_file_range(2), seen through another mount as well."""
import ctypes, errno, os, sys

mount, other = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE = 1, 2, 8, 16
LARGE = 40 << 20


def allocate(fd, mode, offset, length):
    if libc.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)):
        raise OSError(ctypes.get_errno(), "fallocate")


def same(name, content):
    for root in mount, other:
        assert open(f"{root}/{name}", "rb").read() == content, (root, name)


def copy(source, target, source_offset=0, target_offset=0):
    """Until the end of the source; answers in how many steps."""
    steps = 0
    while True:
        done = os.copy_file_range(source, target, 1 << 40, source_offset, target_offset)
        if not done:
            return steps
        source_offset, target_offset, steps = source_offset + done, target_offset + done, steps + 1


# An unfinished file, and then the finished one.
model = bytearray(os.urandom(1 << 20) * (LARGE >> 20))
fd = os.open(f"{mount}/file", os.O_RDWR | os.O_CREAT)
os.pwrite(fd, model, 0)
for turn in range(2):
    allocate(fd, 0, len(model) - 10, 5000)
    model += bytes(4990)
    allocate(fd, KEEP_SIZE, len(model), 1 << 20)
    assert os.fstat(fd).st_size == len(model)
    for mode, offset, length in (PUNCH_HOLE | KEEP_SIZE, 5000, 3_000_000), (ZERO_RANGE | KEEP_SIZE, 20_000_000, 9):
        offset += turn * 7_000_000
        allocate(fd, mode, offset, length)
        model[offset:offset + length] = bytes(length)
    allocate(fd, ZERO_RANGE, len(model) - 5, 10)
    model[-5:] = bytes(10)
    assert os.pread(fd, len(model), 0) == model
    try:
        allocate(fd, COLLAPSE_RANGE, 0, 4096)
        raise AssertionError("bytes were moved")
    except OSError as error:
        assert error.errno == errno.EOPNOTSUPP, error
    os.close(fd)
    same("file", model)
    fd = os.open(f"{mount}/file", os.O_RDWR)

# A file of its own that shares all spans.
target = os.open(f"{mount}/copy", os.O_RDWR | os.O_CREAT)
# The last page is not whole: it is moved.
assert copy(fd, target) == 2
os.pwrite(target, b"patched", 100)
os.close(target)
same("copy", model[:100] + b"patched" + model[107:])

# Behind something, from the middle on, and within the file: the kernel moves what cannot be shared.
target = os.open(f"{mount}/other", os.O_RDWR | os.O_CREAT)
os.write(target, b"x" * 5000)
copy(fd, target, 10_000_001, 5000)
os.close(target)
same("other", b"x" * 5000 + model[10_000_001:])
os.copy_file_range(fd, fd, 100_000, 0, 1_000_000)
model[1_000_000:1_100_000] = model[:100_000]
os.close(fd)
same("file", model)

# cp and rm as people call them.
assert os.system(f"cp '{mount}/file' '{mount}/cp' && rm '{mount}/file' && cmp '{mount}/cp' '{other}/cp'") == 0
same("cp", model)
