"""Private keys in PEM form, made for a test and for nothing else, without openssl."""

import math
import random
from base64 import encodebytes
from functools import lru_cache

_EXPONENT = 65537


@lru_cache(maxsize=4)
def rsa_pem(bits: int = 2048, pkcs8: bool = True) -> bytes:
    """Return an RSA key as openssl writes it: today's PKCS #8, or the older PKCS #1."""
    chance = random.Random(bits)  # the same numbers each time, so that a test that fails does so again
    p, q = _prime(bits // 2, chance), _prime(bits // 2, chance)
    d = pow(_EXPONENT, -1, math.lcm(p - 1, q - 1))
    numbers = [0, p * q, _EXPONENT, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)]
    key = _der(0x30, b"".join(map(_integer, numbers)))
    if not pkcs8:
        return _pem("RSA PRIVATE KEY", key)
    return _pem("PRIVATE KEY", _der(0x30, _integer(0) + bytes.fromhex("300d06092a864886f70d0101010500") + _der(4, key)))


def ed25519_pem() -> bytes:
    """Return an ed25519 key as openssl writes it (RFC 8410)."""
    return _pem("PRIVATE KEY", bytes.fromhex("302e020100300506032b657004220420") + bytes(range(32)))


def _prime(bits: int, chance: random.Random) -> int:
    """Return a number with its two highest bits set that Fermat's test takes for a prime."""
    while True:
        number = chance.getrandbits(bits) | 3 << bits - 2 | 1
        if math.gcd(number, _SMALL) == 1 and math.gcd(number - 1, _EXPONENT) == 1 and pow(2, number - 1, number) == 1:
            return number


_SMALL = math.prod(n for n in range(3, 2000) if all(n % m for m in range(2, math.isqrt(n) + 1)))


def _pem(kind: str, der: bytes) -> bytes:
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (kind.encode(), encodebytes(der), kind.encode())


def _integer(number: int) -> bytes:
    return _der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _der(tag: int, body: bytes) -> bytes:
    size = len(body)
    octets = size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (bytes([size]) if size < 0x80 else bytes([0x80 | len(octets)]) + octets) + body
