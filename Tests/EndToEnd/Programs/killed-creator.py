"""A child goes on with the file of a program that was killed: what it writes appears. If both are killed, nothing does."""
import os
import signal
import time


def run(name, ends):
    told, tell = os.pipe()
    heard, say = os.pipe()
    creator = os.fork()
    if creator == 0:
        file = os.open(name, os.O_WRONLY | os.O_CREAT)
        os.write(file, b"a")
        if os.fork() == 0:
            os.close(tell)
            os.read(told, 1)  # until the creator is gone
            os.write(file, b"b")
            os.write(say, b"%d" % os.getpid())
            if ends:
                os._exit(0)
        else:
            os.write(say, b"forked")
        signal.pause()
    os.close(say)
    assert os.read(heard, 6) == b"forked"
    os.kill(creator, signal.SIGKILL)
    os.waitpid(creator, 0)
    os.close(tell)
    child = int(os.read(heard, 20))
    if not ends:
        os.kill(child, signal.SIGKILL)
    assert os.read(heard, 1) == b""  # until the child is gone


run("heir", True)
run("nobody", False)
deadline = time.monotonic() + 30
while os.path.exists("nobody"):  # until the last release
    assert time.monotonic() < deadline
    time.sleep(0.05)
