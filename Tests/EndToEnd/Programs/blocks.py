"""Reproducible file content: chunk `index` of seed `seed` is always the same CHUNK bytes."""
import random

CHUNK = 1 << 20


def chunk(seed, index):
    return random.Random(seed * 1_000_003 + index).randbytes(CHUNK)


def content(seed, size, start, length):
    end = min(size, start + length)
    result = b""
    while start < end:
        index, inside = divmod(start, CHUNK)
        part = chunk(seed, index)[inside : inside + end - start]
        result += part
        start += len(part)
    return result
