"""rename(2) of directories over directories, seen from two mounts of one cluster."""
import ctypes
import errno
import os
import sys
import threading

here, there = sys.argv[1:3]
RENAME_NOREPLACE = 1
libc = ctypes.CDLL(None, use_errno=True)


def refused(number, call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        assert error.errno == number, (error, arguments)
    else:
        raise SystemExit(f"{arguments} was not refused")


def rename_without_replacing(old, new):
    if libc.renameat2(-100, old.encode(), -100, new.encode(), RENAME_NOREPLACE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


os.chdir(here)
for path in ["a", "b", "a/full", "a/full/sub", "a/empty", "b/empty", "b/full", "a/spare"]:
    os.mkdir(path)
for path in ["a/full/file", "b/full/file"]:
    with open(path, "w") as file:
        file.write(path)

refused(errno.ENOTEMPTY, os.rename, "a/empty", "b/full")
refused(errno.ENOTEMPTY, os.rename, "a/empty", "a/full")
refused(errno.EEXIST, rename_without_replacing, "a/full", "b/empty")
refused(errno.EEXIST, rename_without_replacing, "a/full", "a/spare")
refused(errno.ENOTDIR, os.rename, "a/full", "b/full/file")
with open("b/empty/unfinished", "w"):
    refused(errno.ENOTEMPTY, os.rename, "a/full", "b/empty")
os.unlink("b/empty/unfinished")

# Across directories; the name is never missing for the other mount.
missing = []
done = threading.Event()


def watch():
    while not done.is_set():
        if not os.path.isdir(there + "/b/empty"):
            missing.append(True)


watcher = threading.Thread(target=watch)
watcher.start()
try:
    for _ in range(10):
        os.rename("a/full", "b/empty")
        with open("b/empty/file") as file:
            assert file.read() == "a/full/file"
        # What is there becomes empty again, and the next one gets ready.
        os.unlink("b/empty/file")
        os.rmdir("b/empty/sub")
        os.makedirs("a/next/sub")
        with open("a/next/file", "w") as file:
            file.write("a/full/file")
        os.rename("a/next", "a/full")
finally:
    done.set()
    watcher.join()
assert not missing
os.rename("a/full", "a/spare")
assert sorted(os.listdir("a")) == ["empty", "spare"], os.listdir("a")
assert sorted(os.listdir("a/spare")) == ["file", "sub"]
assert sorted(os.listdir(there + "/b")) == ["empty", "full"]
