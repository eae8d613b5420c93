"""edit-finished.py MOUNT OTHER: finished files are changed anywhere; run with an empty directory."""
import errno, fcntl, os, random, subprocess, sys, time
from refused import refused

mount, other = sys.argv[1:3]
os.chdir(mount)
LARGE = 40 << 20  # more than a span
chance = random.Random(7)


def content(path):
    with open(path, "rb") as f:
        return f.read()


model = bytearray(os.urandom(1 << 20) * (LARGE >> 20))
with open("large", "wb") as f:
    f.write(model)
number = os.stat("large").st_ino
for turn in range(6):
    fd = os.open("large", os.O_RDWR)
    for _ in range(20):
        offset, data = chance.randrange(len(model)), os.urandom(chance.randrange(1, 30000))
        os.pwrite(fd, data, offset)
        model[offset : offset + len(data)] = data
    if turn % 2:
        size = chance.randrange(len(model) // 2, len(model) + (4 << 20))
        os.ftruncate(fd, size)
        model = model[:size] + bytes(max(0, size - len(model)))
    assert os.fstat(fd).st_size == len(model)
    if turn % 3 == 0:
        os.fsync(fd)
        assert content(f"{other}/large") == model
    os.close(fd)
    assert content("large") == model and content(f"{other}/large") == model
    assert os.stat("large").st_ino == os.stat(f"{other}/large").st_ino == number
os.truncate("large", 12345)
assert content(f"{other}/large") == model[:12345]

# Added to by both, in turns, without a pause.
with open("log", "wb"):
    pass
expected = b""
for turn in range(20):
    for host in (mount, other):
        subprocess.run(["sh", "-c", 'echo "$2" >> "$1"', "sh", f"{host}/log", str(turn)], check=True)
        expected += b"%d\n" % turn
assert content("log") == expected and content(f"{other}/log") == expected

# Locks of two who open the same file meet, whatever is published in between.
first = os.open("log", os.O_RDWR)
fcntl.flock(first, fcntl.LOCK_EX)
os.write(first, b"x")
os.fsync(first)
os.ftruncate(first, 0)
os.fsync(first)
second = os.open("log", os.O_RDWR)
assert os.fstat(first).st_ino == os.fstat(second).st_ino
refused([errno.EWOULDBLOCK], fcntl.flock, second, fcntl.LOCK_EX | fcntl.LOCK_NB)
os.close(first)
os.close(second)

# A reader that stays sees what others on its host add.
with open("followed", "wb") as f:
    f.write(b"one\n")
follower = subprocess.Popen(["tail", "-n", "+1", "-f", "followed"], stdout=subprocess.PIPE)
assert follower.stdout.readline() == b"one\n"
for line in (b"two\n", b"three\n"):
    subprocess.run(["sh", "-c", 'cat >> "$1"', "sh", "followed"], input=line, check=True)
    assert follower.stdout.readline() == line
follower.kill()
follower.wait()

# What one program has said is written does not wait for another one that goes on writing, nor goes with it.
with open("shared", "wb") as f:
    f.write(b"begun\n")
STAYING = "f = open('shared', 'ab', 0); f.write(b'staying\\n'); print(flush=True); input(); f.write(b'lost\\n'); print(flush=True); input()"
staying = subprocess.Popen([sys.executable, "-c", STAYING], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
staying.stdout.readline()
subprocess.run(["sh", "-c", "echo passing >> shared"], check=True)
assert content(f"{other}/shared") == b"begun\nstaying\npassing\n"
staying.stdin.write(b"\n")
staying.stdin.flush()
staying.stdout.readline()
assert content("shared") == b"begun\nstaying\npassing\nlost\n"
staying.kill()
staying.wait()
for _ in range(100):
    if content("shared") == b"begun\nstaying\npassing\n":
        break
    time.sleep(0.1)
else:
    raise SystemExit(content("shared"))

# A name that only one may make, whoever is faster.
fd = os.open("once", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
os.write(fd, b"mine")
subprocess.run(["sh", "-c", 'echo theirs > "$1"', "sh", f"{other}/once"], check=True)
refused([errno.EEXIST], os.close, fd)
assert content(f"{other}/once") == b"theirs\n"
