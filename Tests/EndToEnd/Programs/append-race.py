"""append-race.py MOUNT MOUNT COUNT: two hosts append to one log; every line that was acknowledged is there, in order."""
import os, subprocess, sys

mounts, count = sys.argv[1:3], int(sys.argv[3])
# As a shell does it, a new descriptor for each line.
writer = """
import os, sys
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
for i in range(count):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(fd, b"%s %d\\n" % (name.encode(), i))
        os.close(fd)
    except OSError as error:
        raise SystemExit(f"{name} {i}: {error}")
"""
for log in ("log", "second"):
    writers = [
        subprocess.Popen([sys.executable, "-c", writer, f"{mount}/{log}", name, str(count)])
        for mount, name in zip(mounts, "ab")
    ]
    assert [process.wait() for process in writers] == [0, 0]
    listing = [name for name in os.listdir(mounts[0]) if name == log]
    assert listing == [log]
    # A new descriptor at a mount that has not seen the file for a while, so that nothing comes from a cache.
    lines = subprocess.check_output(["sh", "-c", f"sleep 1.5; cat '{mounts[0]}/{log}'"], text=True).splitlines()
    for name in "ab":
        found = [line for line in lines if line.startswith(name)]
        assert found == [f"{name} {i}" for i in range(count)], (log, name, len(found), lines)
    assert len(lines) == 2 * count, lines
