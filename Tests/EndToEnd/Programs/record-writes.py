"""record-writes.py DIRECTORY RECORD SECONDS: writes files until the time is up, or RECORD.stop is there, while services
die around it.

A file whose close() returned 0 gets a line `name size seed` in RECORD; one whose writing failed gets `name failed`, and the
writer goes on with the next. Every fifth file is written in a directory of its own, which goes when it has been moved.
Prints how many of each there were.
"""
import os, sys, time
from blocks import content

directory, record, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
end = time.monotonic() + seconds
good = bad = 0
with open(record, "w", buffering=1) as log:
    index = 0
    while time.monotonic() < end and not os.path.exists(record + ".stop"):
        size = [0, 10, 200, 5000, 70000, 300000, 3000000][index % 7]
        name = f"file{index}"
        place = f"{directory}/dir{index}" if index % 5 == 4 else directory
        try:
            if place != directory:
                os.mkdir(place)
            fd = os.open(f"{place}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            try:
                view = memoryview(content(index, size, 0, size))
                while view:
                    view = view[os.write(fd, view[:65536]):]
            finally:
                os.close(fd)
            if place != directory:
                os.rename(f"{place}/{name}", f"{directory}/{name}")
                os.rmdir(place)
            good += 1
            print(name, size, index, file=log)
        except OSError as error:
            bad += 1
            print(name, "failed", error.errno, file=log)
            time.sleep(0.05)
        index += 1
print(good, bad)
