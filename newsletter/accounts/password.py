"""Passwords: strength rules and hashing (argon2id, RFC 9106)."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from newsletter.languages import said

SHORTEST = 10
_hasher = PasswordHasher()
# Verified for unknown addresses, so that a wrong address takes as long as a wrong password. Its password is unknown.
# A constant, because hashing at import would cost each process a tenth of a second and 64 MB.
_DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$iz/f5EtJEBpMksLdSXUM8g$OCi1+FtwlEMbDo317sy9zF0aU5OTFKmHzmt/yOm76FQ"


class WeakPassword(ValueError):
    """The password is too easy to guess; the message says what a better one needs."""


def check_strength(password: str) -> None:
    """Raise WeakPassword if it is too easy to guess."""
    if len(password) < SHORTEST or password.isdigit() or len(set(password)) < 5:
        raise WeakPassword(
            said("A password needs at least %(shortest)s characters, and more than a few digits.", shortest=SHORTEST)
        )


def hashed(password: str) -> str:
    """The argon2id hash to store."""
    return _hasher.hash(password)


def matches(password_hash: str, password: str) -> bool:
    """Whether this is the password. A malformed hash matches nothing."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with other cost parameters than the library now uses."""
    return _hasher.check_needs_rehash(password_hash)


def spend_the_time(password: str) -> None:
    """Take as long as `matches`, for an unknown address."""
    matches(_DUMMY_HASH, password)
