#!/usr/bin/env python3
"""Writes vectors.json beside this file: proofs of computing by Specs/tasks.md, TASK-1 to TASK-8.

Written from the rules alone, with Python's hashlib and a Keccak of its own: nothing here is taken
from the Swift sources, and ranges are built by recursion instead of appending.
Usage: python3 make-vectors.py        (about a minute; Python 3.9 or later, no packages)
"""

import hashlib
import json
import os
import sys


def sha(tag, *parts):
    return hashlib.sha256(bytes([tag]) + b"".join(parts)).digest()


def big(value, length):
    return value.to_bytes(length, "big")


# RLP

def rlp(item):
    if isinstance(item, int):
        item = big(item, (item.bit_length() + 7) // 8)
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return header(0x80, len(item)) + item
    body = b"".join(rlp(part) for part in item)
    return header(0xC0, len(body)) + body


def header(base, length):
    if length <= 55:
        return bytes([base + length])
    digits = big(length, (length.bit_length() + 7) // 8)
    return bytes([base + 55 + len(digits)]) + digits


# Keccak-256, from the pseudocode of the Keccak team

MASK = (1 << 64) - 1


def rotate(lane, count):
    count %= 64
    return ((lane << count) | (lane >> (64 - count))) & MASK


def constants():
    found, register = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << ((1 << j) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        found.append(constant)
    return found


CONSTANTS = constants()
STEPS = []
x, y = 1, 0
for t in range(24):
    STEPS.append((x, y, (t + 1) * (t + 2) // 2))
    x, y = y, (2 * x + 3 * y) % 5


def keccak256(message):
    rate = 136
    padded = bytearray(message) + bytearray(rate - len(message) % rate)
    padded[len(message)] ^= 0x01
    padded[-1] ^= 0x80
    a = [0] * 25
    for start in range(0, len(padded), rate):
        for i in range(rate // 8):
            a[i] ^= int.from_bytes(padded[start + 8 * i:start + 8 * i + 8], "little")
        for constant in CONSTANTS:
            c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
            d = [c[x - 1] ^ rotate(c[(x + 1) % 5], 1) for x in range(5)]
            b = [0] * 25
            b[0] = a[0] ^ d[0]
            for x, y, turn in STEPS:
                b[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(a[x + 5 * y] ^ d[x], turn)
            for y in range(0, 25, 5):
                for x in range(5):
                    a[y + x] = b[y + x] ^ (~b[y + (x + 1) % 5] & b[y + (x + 2) % 5] & MASK)
            a[0] ^= constant
    return b"".join(lane.to_bytes(8, "little") for lane in a[:4])


assert keccak256(b"").hex() == (
    "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")


# Merkle mountain ranges, MMR-1 to MMR-6

def leaf_hash(data):
    return sha(0x10, data)


def tree(leaves):
    if len(leaves) == 1:
        return leaves[0]
    half = len(leaves) // 2
    return sha(0x11, tree(leaves[:half]), tree(leaves[half:]))


def mountains(count):
    """Where the mountains begin, and how many leaves they have."""
    found, start = [], 0
    for height in range(count.bit_length() - 1, -1, -1):
        if count >> height & 1:
            found.append((start, 1 << height))
            start += 1 << height
    return found


def peaks(leaves):
    return [tree(leaves[start:start + size]) for start, size in mountains(len(leaves))]


def range_root(leaves):
    return sha(0x12, big(len(leaves), 8), *peaks(leaves))


def siblings(leaves, index):
    if len(leaves) == 1:
        return []
    half = len(leaves) // 2
    left, right = leaves[:half], leaves[half:]
    if index < half:
        return siblings(left, index) + [tree(right)]
    return siblings(right, index - half) + [tree(left)]


def path(leaves, index):
    inner, others = None, []
    for start, size in mountains(len(leaves)):
        mountain = leaves[start:start + size]
        if start <= index < start + size:
            inner = siblings(mountain, index - start)
        else:
            others.append(tree(mountain))
    return [inner, others]


# TASK-3, TASK-4

def challenge_id(task, seed, node, number):
    return sha(0x50, rlp([task, seed, node, number]))


def draw(count, population, seed, challenge, root):
    words, counter = [], 0

    def word():
        nonlocal words, counter
        if not words:
            block = sha(0x55, seed, challenge, root, big(counter, 8))
            words = [int.from_bytes(block[i:i + 8], "big") for i in range(0, 32, 8)]
            counter += 1
        return words.pop(0)

    def below(limit):
        while True:
            value = word()
            if value < (1 << 64) - (1 << 64) % limit:
                return value % limit

    chosen = set()
    for last in range(population - count, population):
        number = below(last + 1)
        chosen.add(last if number in chosen else number)
    assert len(chosen) == count
    return sorted(chosen)


# TASK-5

def chain(challenge, segments, steps):
    leaves = []
    for index in range(segments):
        value = sha(0x51, challenge, big(index, 8), *peaks(leaves))
        for _ in range(steps):
            value = sha(0x52, value)
        leaves.append(leaf_hash(value))
    return leaves


# TASK-6

def lines(challenge, side, size):
    def line(number):
        text = b"".join(
            sha(0x53, challenge, bytes([side]), big(number, 4), big(block, 4))
            for block in range(size // 32))
        return [byte - 256 if byte > 127 else byte for byte in text]

    return [line(number) for number in range(size)]


def tiles(challenge, size):
    rows, columns = lines(challenge, 0, size), lines(challenge, 1, size)
    product = [[sum(p * q for p, q in zip(row, column)) for column in columns] for row in rows]
    return [
        b"".join(
            big(product[top + i][left + j] & 0xFFFFFFFF, 4)
            for i in range(16) for j in range(16))
        for top in range(0, size, 16) for left in range(0, size, 16)]


# TASK-7

def solutions(challenge, bits, count):
    found, nonce = [], 0
    while len(found) < count:
        if int.from_bytes(keccak256(challenge + big(nonce, 8)), "big") >> (256 - bits) == 0:
            found.append(nonce)
        nonce += 1
    return found


# The cases

def case(name, task, number):
    seed, draw_seed = [hashlib.sha256(f"{name} {what}".encode()).digest()
                       for what in ("seed", "draw seed")]
    node = hashlib.sha256(f"{name} node".encode()).digest()[:20]
    challenge = challenge_id(task, seed, node, number)
    indices = []
    if task[0] == 1:
        leaves = chain(challenge, task[1], task[2])
        root = range_root(leaves)
        indices = draw(task[3], task[1], draw_seed, challenge, root)
        opening = [1, [path(leaves, index) for index in indices]]
    elif task[0] == 2:
        data = tiles(challenge, task[1])
        leaves = [leaf_hash(tile) for tile in data]
        root = range_root(leaves)
        indices = draw(task[2], len(leaves), draw_seed, challenge, root)
        opening = [2, [[data[index], path(leaves, index)] for index in indices]]
    else:
        nonces = solutions(challenge, task[1], task[2])
        root = sha(0x54, challenge, *[big(nonce, 8) for nonce in nonces])
        opening = [3, nonces]
    return {
        "name": name, "task": rlp(task).hex(), "seed": seed.hex(), "node": node.hex(),
        "round": number, "challenge": challenge.hex(), "commitment": root.hex(),
        "drawSeed": draw_seed.hex(), "indices": indices, "opening": rlp(opening).hex(),
    }


def main():
    cases = [
        case("two segments", [1, 2, 1, 1], 0),
        case("eight segments, all opened", [1, 8, 3, 8], 1),
        case("thirteen segments", [1, 13, 5, 4], 127),
        case("a thousand segments", [1, 1000, 7, 16], 65_536),
        case("the smallest matrix", [2, 32, 4], 1),
        case("a matrix of 96", [2, 96, 5], 2**63),
        case("five bits", [3, 5, 7], 3),
        case("sixteen bits", [3, 16, 3], 4),
    ]
    with open(__file__, "rb") as source:
        script = hashlib.sha256(source.read()).hexdigest()
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors.json")
    with open(target, "w", encoding="utf-8") as out:
        json.dump({"script": script, "cases": cases}, out, indent=1)
        out.write("\n")
    print(f"{len(cases)} cases in {target}", file=sys.stderr)


if __name__ == "__main__":
    main()
