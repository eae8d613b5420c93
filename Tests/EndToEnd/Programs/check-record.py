"""check-record.py DIRECTORY RECORD: every file that was closed well is there and intact, and no partial file is visible.

A file whose writer got an error may be there (the answer was lost) but then must be complete.
"""
import os, sys
from blocks import content

directory, record = sys.argv[1], sys.argv[2]
sizes = [0, 10, 200, 5000, 70000, 300000, 3000000]
wrong = 0
for line in open(record):
    name, result, _ = line.split()
    index = int(name[4:])
    path = f"{directory}/{name}"
    wanted = content(index, sizes[index % 7], 0, sizes[index % 7])
    try:
        with open(path, "rb") as file:
            found = file.read()
    except FileNotFoundError:
        found = None
    if found is None and result == "failed":
        continue
    if found != wanted:
        wrong += 1
        print(path, "is missing" if found is None else "differs", "after", line.strip())
sys.exit(1 if wrong else 0)
