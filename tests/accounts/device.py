"""A device that keeps passkeys, in software: it says what a browser would send on (WebAuthn Level 3 §6, §7)."""

import base64
import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

HERE = "http://localhost:8000"


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@dataclass
class Device:
    """One key. `count`: what its counter says next; what else is a lie for tests of lies."""

    rp_id: str = "localhost"
    origin: str = HERE
    count: int = 0
    flags: int = 0x05
    """Somebody was there (1), and was verified (4)."""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: str = ""

    def made(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.create()` brings."""
        self.handle = options["user"]["id"]
        point = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        held = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        said = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(0x40) + held})
        return self._answer(attestationObject=_text(said), clientDataJSON=_text(self._client("create", options)))

    def signed(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.get()` brings."""
        client, data = self._client("get", options), self._data()
        signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            authenticatorData=_text(data), clientDataJSON=_text(client), signature=_text(signature),
            userHandle=self.handle,
        )  # fmt: skip

    def _data(self, more: int = 0) -> bytes:
        return sha256(self.rp_id.encode()).digest() + bytes([self.flags | more]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        told = {"type": f"webauthn.{kind}", "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(told).encode()

    def _answer(self, **response: str) -> str:
        return json.dumps({"id": _text(self.id), "rawId": _text(self.id), "type": "public-key", "response": response})
