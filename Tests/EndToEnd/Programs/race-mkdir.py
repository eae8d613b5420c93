"""Makes the same directories in two mounts of one cluster at the same time; each must have exactly one maker."""
import os
import sys
import threading

mounts = sys.argv[1:3]
rounds = 60
start = threading.Barrier(len(mounts))
made = [[] for _ in range(rounds)]
failures = []


def run(mount):
    for number in range(rounds):
        start.wait(20)
        try:
            os.mkdir(f"{mount}/d{number}")
            made[number].append(mount)
        except FileExistsError:
            pass
        except OSError as error:
            failures.append(error)


threads = [threading.Thread(target=run, args=(mount,)) for mount in mounts]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failures, failures
wrong = {number: makers for number, makers in enumerate(made) if len(makers) != 1}
assert not wrong, wrong
for mount in mounts:
    assert sorted(os.listdir(mount)) == sorted(f"d{number}" for number in range(rounds))
for number in range(rounds):
    os.rmdir(f"{mounts[number % 2]}/d{number}")
