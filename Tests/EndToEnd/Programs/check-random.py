"""check-random.py PATH SIZE SEED COUNT: compares COUNT ranges of a file made by write-random.py; status 1 when one differs."""
import os, random, sys
from blocks import content

path, size, seed, count = sys.argv[1], *map(int, sys.argv[2:5])
generator = random.Random(seed + 1)
fd = os.open(path, os.O_RDONLY)
for _ in range(count):
    start = generator.randrange(size + 1)
    length = generator.choice([1, 100, 4096, 10000, 300000])
    found = b""
    while len(found) < min(length, size - start):
        part = os.pread(fd, length - len(found), start + len(found))
        if not part:
            break
        found += part
    wanted = content(seed, size, start, length)
    if found[:length] != wanted:
        sys.exit(f"{path}: {length} bytes at {start} differ")
os.close(fd)
