"""unseen-callers.py MOUNT OTHER: MOUNT cannot tell who closes its files; OTHER, of the same cluster, sees what is there."""
import os, subprocess, sys

mount, other = sys.argv[1:3]


def content(name):
    with open(f"{other}/{name}", "rb") as f:
        return f.read()


def once(path, data):
    with open(path, "wb") as f:
        f.write(data)


def twice(path, data):
    """By two descriptors, of which the one that closes first is not the one that was opened first."""
    first = os.open(path, os.O_WRONLY | os.O_CREAT)
    second = os.open(path, os.O_WRONLY)
    os.write(first, data[:3])
    os.pwrite(second, data[3:], 3)
    os.close(second)
    os.close(first)


def inherited(path, data):
    """By a child, on a descriptor that its parent has opened and closes before it ends."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    child = subprocess.Popen(["sh", "-c", f"read line; printf %s '{data.decode()}'"], stdin=subprocess.PIPE, stdout=descriptor)
    os.close(descriptor)
    child.communicate(b"go\n")
    assert child.returncode == 0


def redirected(path, data):
    subprocess.run(["bash", "-c", f"printf %s '{data.decode()}' > '{path}'"], check=True)


def empty(path, data):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))


# Complete when close returns.
wrong = []
for i in range(100):
    way = [once, twice, inherited, redirected, empty][i % 5]
    data = b"" if way == empty else b"content %d" % i
    way(f"{mount}/file-{i}", data)
    if not os.path.exists(f"{other}/file-{i}") or content(f"file-{i}") != data:
        wrong.append((way.__name__, i))
assert not wrong, wrong


def shell(script):
    subprocess.run(["bash", "-ec", script], cwd=mount, check=True)


# Descriptors that are duplicated and inherited are closed many times; in the end everything is there.
shell("(echo one; echo two) > pair")
shell("head -c 10000000 /dev/zero > part; { cat part; cat part; cat part; } > large")
shell("exec 5> held; echo 1 >&5; (echo 2 >&5); echo 3 >&5; exec 5>&-")
shell("echo one > log; echo two >> log; sed -i s/two/2/ log; dd if=part of=copy bs=1M status=none; cmp part copy")
shell(": > empty; gzip -k part; gunzip -c part.gz | cmp - part")
shell("for n in $(seq 100); do [ -e '%s/empty' ] && exit; sleep 0.1; done; exit 1" % other)
assert content("pair") == b"one\ntwo\n"
assert content("large") == bytes(30_000_000)
assert content("held") == b"1\n2\n3\n"
assert content("log") == b"one\n2\n"
