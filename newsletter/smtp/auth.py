"""SASL for SMTP (RFC 4954): SCRAM-SHA-256, PLAIN and LOGIN."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import stringprep
import unicodedata
from collections.abc import Callable, Generator

Exchange = Generator[bytes, bytes, None]
"""Yields the client's messages (the initial response first) and receives the server's, both without base64.

It ends when the client has nothing more to say; only then does a 235 count.
"""


class AuthError(Exception):
    """The exchange cannot go on; the text says why and holds no secret."""


def plain(username: str, password: str) -> Exchange:
    """PLAIN (RFC 4616)."""
    yield f"\0{username}\0{password}".encode()


def login(username: str, password: str) -> Exchange:
    """LOGIN: never standardised, widely offered. The server prompts for each, so there is no initial response."""
    yield b""
    yield username.encode()
    yield password.encode()


def scram_sha_256(username: str, password: str, nonce: str = "") -> Exchange:
    """SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677); the server must prove that it knows us too."""
    nonce = nonce or secrets.token_urlsafe(24)
    name = _prepared(username).replace("=", "=3D").replace(",", "=2C")
    bare = f"n={name},r={nonce}"
    first = yield f"n,,{bare}".encode()
    fields = _fields(first)
    salt, rounds = _decoded(fields.get("s", "")), fields.get("i", "")
    if not fields.get("r", "").startswith(nonce) or fields["r"] == nonce or not salt or not rounds.isdecimal():
        raise AuthError("SCRAM: the server's first message is not valid")
    # RFC 7677 §4 asks for 4096 at least; the upper bound keeps a hostile server from holding the processor.
    if not 4096 <= int(rounds) <= 1_000_000:
        raise AuthError(f"SCRAM: an iteration count of {rounds} is not acceptable")
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password).encode(), salt, int(rounds))
    final = f"c=biws,r={fields['r']}"
    signed = f"{bare},{first.decode()},{final}".encode()
    client_key = _mac(salted, b"Client Key")
    signature = _mac(hashlib.sha256(client_key).digest(), signed)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    last = yield f"{final},p={base64.b64encode(proof).decode()}".encode()
    expected = _mac(_mac(salted, b"Server Key"), signed)
    if not hmac.compare_digest(_decoded(_fields(last).get("v", "")), expected):
        raise AuthError("SCRAM: the server did not prove that it knows the password")
    yield b""


MECHANISMS: dict[str, Callable[[str, str], Exchange]] = {
    "SCRAM-SHA-256": scram_sha_256,
    "PLAIN": plain,
    "LOGIN": login,
}


def choose(offered: frozenset[str], *, private: bool) -> str:
    """The best mechanism offered, "" if none will do; without `private`, others can read, so only SCRAM will."""
    for name in MECHANISMS:
        if name in offered and (private or name == "SCRAM-SHA-256"):
            return name
    return ""


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _fields(message: bytes) -> dict[str, str]:
    """Read "a=1,b=2"; an extension the server insists on (m=) or an error it reports (e=) ends the exchange."""
    try:
        fields = dict(part.split("=", 1) for part in message.decode("utf-8").split(","))
    except ValueError:
        raise AuthError("SCRAM: the server's message is not valid") from None
    if "e" in fields or "m" in fields:
        raise AuthError("SCRAM: the server refused the exchange")
    return fields


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise AuthError("SCRAM: the server's message is not base64") from None


def _prepared(text: str) -> str:
    """`text` after SASLprep (RFC 4013). Raises AuthError for prohibited characters."""
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    prepared = unicodedata.normalize("NFKC", mapped)
    if any(stringprep.in_table_c21_c22(c) or stringprep.in_table_c3(c) for c in prepared):
        raise AuthError("user name or password holds characters that SASL prohibits")
    return prepared
