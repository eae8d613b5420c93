"""export.py save MOUNT SAVED PATH... | open MOUNT SAVED: remembers files and directories as NFS servers do; finds each
again and says where it is and what is in it, or the errno."""
import ctypes, errno, os, pickle, sys

libc = ctypes.CDLL(None, use_errno=True)
action, mount, saved = sys.argv[1:4]


class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]


def save(path):
    handle, mount_id = Handle(128), ctypes.c_int()
    if libc.name_to_handle_at(-100, f"{mount}/{path}".encode(), ctypes.byref(handle), ctypes.byref(mount_id), 0):
        raise OSError(ctypes.get_errno(), "name_to_handle_at")
    return bytes(handle)


def found(handle):
    directory = os.open(mount, os.O_RDONLY)
    fd = libc.open_by_handle_at(directory, ctypes.byref(Handle.from_buffer_copy(handle)), os.O_RDONLY)
    if fd < 0:
        return errno.errorcode[ctypes.get_errno()]
    try:
        content = " ".join(sorted(os.listdir(fd)))
        # A directory has a place, all the way up; of a file that may not be known.
        place = os.path.relpath(os.readlink(f"/proc/self/fd/{fd}"), mount)
        return f"{place}: {content}"
    except NotADirectoryError:
        return os.read(fd, 100).decode().split()[0]


if action == "save":
    with open(saved, "wb") as f:
        pickle.dump([save(path) for path in sys.argv[4:]], f)
else:
    with open(saved, "rb") as f:
        for handle in pickle.load(f):
            print(found(handle))
