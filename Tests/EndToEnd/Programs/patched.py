"""patched.py: a large file that is not finished can be changed anywhere; run in the directory to test."""
import os, random

LARGE = 40 << 20  # more than may be open at once
model = bytearray(os.urandom(1 << 20) * (LARGE >> 20))
chance = random.Random(1)


def change(fd, offset, data):
    assert os.pwrite(fd, data, offset) == len(data)
    model[offset:offset + len(data)] = data


fd = os.open("patched", os.O_RDWR | os.O_CREAT)
for offset in range(0, LARGE, 1 << 20):
    os.pwrite(fd, model[offset:offset + (1 << 20)], offset)
change(fd, 0, b"header")
for _ in range(200):
    change(fd, chance.randrange(LARGE), os.urandom(chance.randrange(1, 30000)))
assert os.pread(fd, 100, 0) == model[:100]
os.fsync(fd)
change(fd, 5 << 20, b"later")
os.ftruncate(fd, 30_000_001)
del model[30_000_001:]
change(fd, len(model), b"at the end")
for _ in range(20):
    offset = chance.randrange(len(model))
    assert os.pread(fd, 70_000, offset) == model[offset:offset + 70_000], offset
os.close(fd)
assert open("patched", "rb").read() == model
