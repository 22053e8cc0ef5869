"""Signed tokens for the links in mails and on pages: one key per purpose, short, and cheap to make by the million.

A token is base64url(numbers ‖ MAC): up to four 64-bit numbers and 128 bits of keyed BLAKE2b (RFC 7693 §2.9), whose key
comes from the product's secret and whose personalisation is the purpose. It carries no personal data and no time of its
own; a purpose that ends puts the last second into a number.
"""

import hmac
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from struct import Struct

MAC_BYTES = 16
TAG_BYTES = 8
MOST_NUMBERS = 4
_PAYLOADS = tuple(Struct(f">{count}Q") for count in range(MOST_NUMBERS + 1))
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Purpose(StrEnum):
    """What a link may do. A token made for one purpose is worth nothing for another."""

    CONFIRM = "confirm"
    """(consent, last second)"""
    LIBRARY = "library"
    """(subscriber)"""
    DOWNLOAD = "download"
    """(subscriber, guide, last second)"""
    PREFERENCES = "preferences"
    """(subscriber)"""
    UNSUBSCRIBE = "unsubscribe"
    """(subscriber, message); for ever"""
    VIEW = "view"
    """(message)"""
    FORM = "form"
    """(second it was made)"""


class BadLink(Exception):
    """The token is not one of ours: forged, cut off, or made for something else."""


class ExpiredLink(Exception):
    """The token is ours, but its time is over."""


class Signer:
    """Makes and reads tokens under the product's secret key."""

    def __init__(self, secret: bytes) -> None:
        key = hmac.digest(secret, b"newsletter links", "sha512")  # 64 octets, whatever the secret's length
        self._key = key
        # The key's block is hashed here, once; a token then starts from a copy.
        self._keyed = {p: blake2b(key=key, digest_size=MAC_BYTES, person=p.encode()) for p in Purpose}
        self._tagged = blake2b(key=key, digest_size=2 * TAG_BYTES, person=b"tag").copy

    @property
    def key_print(self) -> str:
        """Tells whether two keys are one, and nothing about the key."""
        return blake2b(key=self._key, digest_size=16, person=b"print").hexdigest()

    def letter_maker(self) -> Callable[[int, int], tuple[bytes, bytes, bytes]]:
        """What makes the tokens that each bulk mail carries, for whoever needs a million of them.

        From a subscriber and a message: those to choose (PREFERENCES), to see the mail (VIEW) and to leave
        (UNSUBSCRIBE), just as `token` makes them.
        """
        choose, see, leave = (self._keyed[p].copy for p in (Purpose.PREFERENCES, Purpose.VIEW, Purpose.UNSUBSCRIBE))
        pack = _PAYLOADS[2].pack

        def made(subscriber: int, message: int) -> tuple[bytes, bytes, bytes]:
            both = pack(subscriber, message)
            who, which = both[:8], both[8:]
            choosing, seeing, leaving = choose(), see(), leave()
            choosing.update(who)
            seeing.update(which)
            leaving.update(both)
            # The first two have 24 octets, which is 32 letters and nothing over: so all of it is encoded in one go.
            raw = b"".join((who, choosing.digest(), which, seeing.digest(), both, leaving.digest()))
            coded = b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=")
            return coded[:32], coded[32:64], coded[64:]

        return made

    def tags(self, number: int) -> tuple[str, str]:
        """A message's two tags: for its Message-ID and for its return path. They share a MAC, each has its own half of
        it, so that one does not tell the other."""
        digits = f"{number:x}"
        mac = self._tagged()
        mac.update(digits.encode())
        halves = mac.hexdigest()
        return f"{digits}-{halves[: 2 * TAG_BYTES]}", f"{digits}-{halves[2 * TAG_BYTES :]}"

    def token(self, purpose: Purpose, *numbers: int) -> str:
        """Sign one to four numbers (each 0 … 2⁶⁴−1) for a purpose."""
        payload = _PAYLOADS[len(numbers)].pack(*numbers)
        coded = b2a_base64(payload + self._mac(purpose, payload), newline=False)
        return coded.translate(_URL_SAFE, b"=").decode()

    def message_tag(self, number: int) -> str:
        """A message's number, signed, for its Message-ID."""
        return self.tags(number)[0]

    def return_tag(self, number: int) -> str:
        """A message's number, signed, for its return path: in lower-case hex, for case may get lost (RFC 5321 §2.4)."""
        return self.tags(number)[1]

    def _mac(self, purpose: Purpose, payload: bytes) -> bytes:
        mac = self._keyed[purpose].copy()
        mac.update(payload)
        return mac.digest()

    def numbers(self, purpose: Purpose, token: str) -> tuple[int, ...]:
        """Read a token back. Raises BadLink for anything that `token` did not make for this purpose."""
        if len(token) > (8 * MOST_NUMBERS + MAC_BYTES) * 4 // 3 + 4:
            raise BadLink
        try:
            raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (UnicodeEncodeError, Base64Error, ValueError):
            raise BadLink from None
        payload, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        if not payload or len(payload) % 8:
            raise BadLink
        numbers: tuple[int, ...] = _PAYLOADS[len(payload) // 8].unpack(payload)
        # Compared as text too: base64 has spare bits, and one link must have one spelling.
        genuine = hmac.compare_digest(self._mac(purpose, payload), mac)
        if not genuine or self.token(purpose, *numbers) != token:
            raise BadLink
        return numbers


class Urls:
    """The addresses of the pages that a mail points to. `site` has no slash at its end."""

    def __init__(self, site: str, signer: Signer) -> None:
        self.site = site
        self._token = signer.token

    def confirm(self, consent: int, last_second: int) -> str:
        """The page with the one button that confirms."""
        return f"{self.site}/confirm/{self._token(Purpose.CONFIRM, consent, last_second)}"

    def library(self, subscriber: int) -> str:
        """A subscriber's guides."""
        return f"{self.site}/library/{self._token(Purpose.LIBRARY, subscriber)}"

    def guide_pdf(self, subscriber: int, slug: str) -> str:
        """A subscriber's own link to the PDF of one guide."""
        return f"{self.library(subscriber)}/{slug}.pdf"

    def preferences(self, subscriber: int) -> str:
        """What a subscriber receives, to choose."""
        return f"{self.site}/preferences/{self._token(Purpose.PREFERENCES, subscriber)}"

    def unsubscribe(self, subscriber: int, message: int) -> str:
        """Leaving: a page with a button, and the target of the one-click POST (RFC 8058 §3.1)."""
        return f"{self.site}/unsubscribe/{self._token(Purpose.UNSUBSCRIBE, subscriber, message)}"

    def view(self, message: int) -> str:
        """This mail in the browser."""
        return f"{self.site}/view/{self._token(Purpose.VIEW, message)}"


def still_good(last_second: int, now: datetime) -> None:
    """Raise ExpiredLink when `now` is past the last second (Unix time) that a token carries."""
    if now.timestamp() > last_second:
        raise ExpiredLink
