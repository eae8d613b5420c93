"""unseen-callers.py MOUNT OTHER: MOUNT cannot tell who closes its files; OTHER, of the same cluster, sees what is there."""
import os, subprocess, sys

mount, other = sys.argv[1:3]


def content(name):
    with open(f"{other}/{name}", "rb") as f:
        return f.read()


# Complete when close returns.
missing = 0
for i in range(100):
    with open(f"{mount}/file-{i}", "wb") as f:
        f.write(b"content %d" % i)
    missing += not os.path.exists(f"{other}/file-{i}")
assert missing == 0, missing
assert all(content(f"file-{i}") == b"content %d" % i for i in range(100))


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
