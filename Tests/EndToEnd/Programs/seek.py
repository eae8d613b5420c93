"""seek.py DIRECTORY: lists it whole and then from many places in it (telldir, seekdir); fails unless all agree and no
name comes twice. Prints how many names there are."""
import ctypes, os, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
libc.telldir.restype = ctypes.c_long
libc.readdir.argtypes = libc.telldir.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]


def entries(stream):
    """The rest of it, and where each is followed by the next."""
    found = []
    while entry := libc.readdir(stream):
        # struct dirent of 64-bit Linux: inode, offset, length, type, name.
        found.append((ctypes.string_at(entry + 19), libc.telldir(stream)))
    return found


stream = libc.opendir(os.fsencode(sys.argv[1]))
whole = entries(stream)
names = [name for name, _ in whole]
assert len(set(names)) == len(names), "a name comes twice"
for index in list(range(0, len(whole), 97))[::-1]:
    libc.seekdir(stream, whole[index][1])
    rest = [name for name, _ in entries(stream)]
    assert rest == names[index + 1:], f"behind {index}: {len(rest)}, not {len(names) - index - 1}"
print(len(names))
