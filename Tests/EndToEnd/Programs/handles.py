"""handles.py save|open MOUNT FILE: remembers a file as NFS servers do, and finds it again."""
import ctypes, os, sys

libc = ctypes.CDLL(None, use_errno=True)
action, mount, saved = sys.argv[1:4]


class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]


handle = Handle(128)
if action == "save":
    mount_id = ctypes.c_int()
    if libc.name_to_handle_at(-100, f"{mount}/file".encode(), ctypes.byref(handle), ctypes.byref(mount_id), 0):
        raise OSError(ctypes.get_errno(), "name_to_handle_at")
    with open(saved, "wb") as f:
        f.write(bytes(handle))
else:
    with open(saved, "rb") as f:
        f.readinto(handle)
    directory = os.open(mount, os.O_RDONLY)
    fd = libc.open_by_handle_at(directory, ctypes.byref(handle), os.O_RDONLY)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "open_by_handle_at")
    sys.stdout.buffer.write(os.read(fd, 1 << 20))
