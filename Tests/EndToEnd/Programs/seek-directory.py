"""seek-directory.py DIRECTORY: telldir/seekdir to every tenth position of a listing gives the rest of the same listing."""
import ctypes, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = ctypes.c_void_p
libc.readdir.restype = ctypes.c_void_p
libc.telldir.restype = ctypes.c_long
for function in (libc.readdir, libc.telldir, libc.closedir):
    function.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]


def name_of(entry):
    return ctypes.string_at(entry + 19)  # struct dirent of 64-bit Linux: d_name follows ino, off, reclen and type


directory = libc.opendir(sys.argv[1].encode())
listing, positions = [], []
while True:
    position = libc.telldir(directory)
    entry = libc.readdir(directory)
    if not entry:
        break
    positions.append(position)
    listing.append(name_of(entry))
for start in range(0, len(listing), 10):
    libc.seekdir(directory, positions[start])
    for wanted in listing[start : start + 30]:
        found = name_of(libc.readdir(directory))
        if found != wanted:
            sys.exit(f"after seeking to {positions[start]}: {found} instead of {wanted}")
libc.closedir(directory)
