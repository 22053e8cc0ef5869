"""Passwords: which ones are good enough, and how they are kept (argon2id, RFC 9106)."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from newsletter.languages import said

SHORTEST = 10
_hasher = PasswordHasher()
# Checked when nobody has the address, so that a wrong address and a wrong password take the same time. Nobody knows the
# password. It is not made anew here: that takes a tenth of a second and 64 MB, in each process that imports this.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$iz/f5EtJEBpMksLdSXUM8g$OCi1+FtwlEMbDo317sy9zF0aU5OTFKmHzmt/yOm76FQ"


class WeakPassword(ValueError):
    """The password is too easy to guess; the message says what a better one needs."""


def check_strength(password: str) -> None:
    """Raise WeakPassword for one that is too easy to guess."""
    if len(password) < SHORTEST or password.isdigit() or len(set(password)) < 5:
        raise WeakPassword(
            said("A password needs at least %(shortest)s characters, and more than a few digits.", shortest=SHORTEST)
        )


def hashed(password: str) -> str:
    """The argon2id hash to keep."""
    return _hasher.hash(password)


def matches(password_hash: str, password: str) -> bool:
    """Whether this is the password. A hash that cannot be read matches nothing."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether the library's costs have risen since it was made."""
    return _hasher.check_needs_rehash(password_hash)


def spend_the_time(password: str) -> None:
    """Take as long as `matches` does, for an address that nobody has."""
    matches(_NOBODY, password)
