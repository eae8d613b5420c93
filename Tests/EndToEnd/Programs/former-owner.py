"""former-owner.py HERE THERE: of what root has given away on mount THERE nobody is the owner on HERE any more."""
import errno, os, struct, sys
from refused import refused

here, there = (os.path.join(path, "work") for path in sys.argv[1:])
USER = 1000
ACL = "system.posix_acl_access"
# Of a user besides: he may read and write.
LIST = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, rights, number)
    for tag, rights, number in [(1, 6, 2**32 - 1), (2, 6, USER), (4, 0, 2**32 - 1), (16, 6, 2**32 - 1), (32, 0, 2**32 - 1)])


def become(number):
    os.seteuid(0)
    os.setegid(number)
    os.seteuid(number)


def give(name, directory=False):
    """What the user made and has open, and root has by now, with something in it."""
    become(USER)
    path, other = (os.path.join(place, name) for place in (here, there))
    if directory:
        os.mkdir(path, 0o755)
    else:
        with open(path, "w") as file:
            file.write("program")
    descriptor = os.open(path, os.O_RDONLY)
    become(0)
    if not directory:
        with open(other, "a") as file:
            file.write(" and a secret")
    os.setxattr(other, ACL, LIST)
    os.chown(other, 0, 0)
    os.chmod(other, 0o700)
    return descriptor


os.setgroups([])
os.umask(0o022)
os.mkdir(there)
os.chmod(there, 0o777)
calls = {
    "mode": (os.fchmod, 0o666), "setuid": (os.fchmod, 0o4755), "owner": (os.fchown, USER, -1),
    "group": (os.fchown, -1, USER), "times": (os.utime, (1, 1)), "list": (os.setxattr, ACL, LIST),
    "no-list": (os.removexattr, ACL),
}
for directory in (False, True):
    for name, (call, *arguments) in calls.items():
        descriptor = give(f"{name}-{directory}", directory)
        become(USER)
        refused([errno.EPERM], call, descriptor, *arguments)
        become(0)
        found = os.fstat(descriptor)
        assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (0, 0, 0o700), (name, found)
        assert found.st_mtime_ns != 1_000_000_000 and os.getxattr(descriptor, ACL), name

# He is its owner still, and was in its group.
become(USER)
path = os.path.join(here, "program")
os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o755))
descriptor = os.open(path, os.O_RDONLY)
become(0)
os.chown(os.path.join(there, "program"), -1, 500)
become(USER)
os.fchmod(descriptor, 0o2755)
found = os.fstat(descriptor)
assert (found.st_gid, found.st_mode & 0o7777) == (500, 0o755), oct(found.st_mode)
