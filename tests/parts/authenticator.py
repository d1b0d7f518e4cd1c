"""A passkey in memory: what a phone answers to a site, honestly or not (WebAuthn, level 3, 6.5)."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


class Authenticator:
    """One device with one key; `count` is how often it was used."""

    def __init__(self, origin: str, credential_id: bytes = b"a credential of the tests") -> None:
        """Make a key for the site at `origin`."""
        self.origin, self.credential_id, self.count = origin, credential_id, 0
        self._key = ec.generate_private_key(ec.SECP256R1())

    def register(self, options: str) -> str:
        """Answer `options` for a new passkey. Returns: what the browser would post (JSON)."""
        asked = json.loads(options)
        length = len(self.credential_id).to_bytes(2, "big")
        attested = b"\0" * 16 + length + self.credential_id + self._public_key()
        data = self._data(asked["rp"]["id"], ATTESTED | VERIFIED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        return self._answer({"clientDataJSON": _text(client), "attestationObject": _text(attestation)})

    def sign(self, options: str, *, verified: bool = True, counts: bool = True) -> str:
        """Answer `options` to prove itself. Returns: what the browser would post (JSON).

        Parameters: `verified`, whether it recognised its owner; `counts` is False for a copy that doesn't know better.
        """
        asked = json.loads(options)
        self.count += counts
        data = self._data(asked["rpId"], VERIFIED if verified else 0)
        client = self._client("webauthn.get", asked["challenge"])
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        parts = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._answer({name: _text(octets) for name, octets in parts.items()})

    def _data(self, host: str, flags: int) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([PRESENT | flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, response: dict[str, str]) -> str:
        name = _text(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})

    def _public_key(self) -> bytes:
        numbers = self._key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})


def damaged(answer: str, name: str) -> str:
    """Return an answer whose part `name` has one octet changed."""
    read = json.loads(answer)
    octets = bytearray(urlsafe_b64decode(read["response"][name] + "=="))
    octets[-1] ^= 1
    read["response"][name] = _text(bytes(octets))
    return json.dumps(read)
