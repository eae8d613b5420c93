"""One program has a file open for writing on two mounts (A, B): its close on either is the last one there, so that of two
edits of one version the second is refused, and none is lost."""

import errno, os, sys

first, second = sys.argv[1:3]
for number in range(40):
    name = f"/both-{number}"
    with open(first + name, "wb") as file: file.write(b"a" * 10)
    one, other = os.open(first + name, os.O_RDWR), os.open(second + name, os.O_RDWR)
    os.pwrite(one, b"A", 0)
    os.pwrite(other, b"B", 5)
    os.close(one)
    try:
        os.close(other)
    except OSError as error:
        assert error.errno == errno.ESTALE, error
    else:
        sys.exit(f"{name}: both closes have succeeded")
    for mount in (first, second):
        with open(mount + name, "rb") as file: found = file.read()
        assert found == b"A" + b"a" * 9, (name, mount, found)
