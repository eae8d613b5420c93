"""write-random.py PATH SIZE SEED: writes SIZE reproducible bytes and prints their SHA-256 once close() has succeeded."""
import hashlib, os, sys
from blocks import chunk, CHUNK

path, size, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
digest = hashlib.sha256()
fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
for index in range((size + CHUNK - 1) // CHUNK):
    data = chunk(seed, index)[: size - index * CHUNK]
    digest.update(data)
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]
os.close(fd)
print(digest.hexdigest())
