"""Signed transfers: Keccak-256, RLP and libsecp256k1, which the build needs anyway."""

import ctypes
import ctypes.util

CHAIN_ID = 1337
GWEI = 10**9

ROUNDS = []
ROTATIONS = [[0] * 5 for _ in range(5)]


def fill_tables():
    register = 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        ROUNDS.append(constant)
    x, y = 1, 0
    for step in range(24):
        ROTATIONS[x][y] = (step + 1) * (step + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5


fill_tables()
MASK = (1 << 64) - 1


def rotate(word, bits):
    return (word << bits | word >> (64 - bits)) & MASK if bits else word


def permute(lanes):
    for constant in ROUNDS:
        column = [a[0] ^ a[1] ^ a[2] ^ a[3] ^ a[4] for a in lanes]
        for x in range(5):
            mix = column[x - 1] ^ rotate(column[(x + 1) % 5], 1)
            lanes[x] = [word ^ mix for word in lanes[x]]
        moved = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                moved[y][(2 * x + 3 * y) % 5] = rotate(lanes[x][y], ROTATIONS[x][y])
        for x in range(5):
            next_row, after = moved[(x + 1) % 5], moved[(x + 2) % 5]
            lanes[x] = [moved[x][y] ^ (~next_row[y] & after[y]) for y in range(5)]
        lanes[0][0] ^= constant
    return lanes


def keccak(data):
    rate = 136
    padded = bytearray(data) + b"\x01" + bytes(-(len(data) + 1) % rate)
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for block in range(0, len(padded), rate):
        for word in range(rate // 8):
            start = block + 8 * word
            lanes[word % 5][word // 5] ^= int.from_bytes(padded[start : start + 8], "little")
        lanes = permute(lanes)
    return b"".join(lanes[word % 5][word // 5].to_bytes(8, "little") for word in range(4))


def rlp(item):
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return prefix(0x80, len(item)) + item
    body = b"".join(map(rlp, item))
    return prefix(0xC0, len(body)) + body


def prefix(base, length):
    if length < 56:
        return bytes([base + length])
    size = (length.bit_length() + 7) // 8
    return bytes([base + 55 + size]) + length.to_bytes(size, "big")


class Secp256k1:
    """Recoverable signatures. One context serves one thread at a time."""

    SIGN_AND_VERIFY = 0x301

    def __init__(self):
        name = ctypes.util.find_library("secp256k1") or "libsecp256k1.so.1"
        self.library = ctypes.CDLL(name)
        self.library.secp256k1_context_create.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(
            self.library.secp256k1_context_create(self.SIGN_AND_VERIFY)
        )

    def sign(self, digest, key):
        """r, s and parity."""
        signature, parity = ctypes.create_string_buffer(65), ctypes.c_int()
        compact = ctypes.create_string_buffer(64)
        if not self.library.secp256k1_ecdsa_sign_recoverable(
            self.context, signature, digest, key, None, None
        ):
            raise ValueError("this key signs nothing")
        self.library.secp256k1_ecdsa_recoverable_signature_serialize_compact(
            self.context, compact, ctypes.byref(parity), signature
        )
        return (
            int.from_bytes(compact.raw[:32], "big"),
            int.from_bytes(compact.raw[32:], "big"),
            parity.value,
        )


CURVE = Secp256k1()


def transfer(key, nonce, to, value, tip=GWEI, most=20 * GWEI):
    """A plain transfer as EIP-1559 has it: the bytes, and their hash."""
    fields = [CHAIN_ID, nonce, tip, most, 21_000, to, value, b"", []]
    r, s, parity = CURVE.sign(keccak(b"\x02" + rlp(fields)), key)
    raw = b"\x02" + rlp(fields + [parity, r, s])
    return raw, keccak(raw)
