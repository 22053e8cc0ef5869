"""DKIM's private keys, their files, and the DNS records that publish them (RFC 6376 §3.6.1, RFC 8463)."""

import os
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

LEAST_BITS = 2048
"""RFC 8301 §3.2 still allows 1024, but no important receiver accepts it."""
STRING = 255
"""Maximum octets of one string in a TXT record (RFC 1035 §3.3)."""
RSA_NAME = "news"
"""The selector of an installation's first key."""
Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

_PKCS1 = padding.PKCS1v15()
_SHA256 = utils.Prehashed(hashes.SHA256())


class BadKey(Exception):
    """A key file cannot be used; the message says what it should be."""


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key, and the selector its public key is published under."""

    selector: str
    private: Private

    @property
    def is_rsa(self) -> bool:
        """Whether it is RSA; else it is Ed25519."""
        return isinstance(self.private, rsa.RSAPrivateKey)

    @property
    def algorithm(self) -> str:
        """The algorithm as in `a=`."""
        return "rsa-sha256" if self.is_rsa else "ed25519-sha256"

    @property
    def record(self) -> str:
        """The TXT record to publish at `<selector>._domainkey.<domain>`."""
        public = self.private.public_key()
        if self.is_rsa:
            return f"v=DKIM1; k=rsa; p={_coded(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))}"
        return f"v=DKIM1; k=ed25519; p={_coded(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}"  # RFC 8463 §4.2

    def host(self, domain: str) -> str:
        """The record's DNS name."""
        return f"{self.selector}._domainkey.{domain}"

    @property
    def strings(self) -> str:
        """The record as in a zone file (RFC 1035 §5.1)."""
        return " ".join(f'"{self.record[start : start + STRING]}"' for start in range(0, len(self.record), STRING))

    def sign(self, digest: bytes) -> bytes:
        """Sign a SHA-256 digest (RFC 6376 §3.3; Ed25519 signs the digest itself, RFC 8463 §3)."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(digest, _PKCS1, _SHA256)
        return self.private.sign(digest)


def place(data_dir: Path, selector: str) -> Path:
    """The default path of a key."""
    return data_dir / "dkim" / f"{selector}.pem"


def read(selector: str, file: Path) -> DkimKey:
    """Read a key from a PEM file. Raises BadKey."""
    try:
        private = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise BadKey(f"{file} cannot be read ({error.strerror}); `newsletter dkim key` makes one") from None
    except TypeError:
        raise BadKey(f"{file} should be a key without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey(f"{file} should hold a private key as PEM; `newsletter dkim key` makes one") from None
    if not isinstance(private, Private):
        raise BadKey(f"{file} should hold an RSA or an Ed25519 key")
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < LEAST_BITS:
        raise BadKey(f"{file} should hold an RSA key of at least {LEAST_BITS} bits; it has {private.key_size}")
    return DkimKey(selector, private)


def make(selector: str, file: Path, bits: int | None) -> DkimKey:
    """Generate a key into a new file with mode 600: RSA of `bits`; None: Ed25519.

    Raises FileExistsError: a key is never overwritten.
    """
    private: Private = ed25519.Ed25519PrivateKey.generate() if bits is None else rsa.generate_private_key(65537, bits)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(pem)
    return DkimKey(selector, private)


def _coded(octets: bytes) -> str:
    return b64encode(octets).decode()
