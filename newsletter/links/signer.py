"""Signed tokens for the links in mails and on pages: one key per purpose, short, and cheap to make by the million.

A token is base64url(numbers ‖ MAC) and the id of its key: up to five 64-bit numbers, 128 bits of keyed BLAKE2b (RFC
7693 §2.9), whose key comes from the product's secret and whose personalisation is the purpose, and four letters. It
carries no personal data and no time of its own; a purpose that ends puts the last second into a number.

A secret can be changed: new tokens are made with the current one, and those of old ones stay good. Tokens of 2026 and
before name no key; each key is tried on them.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from binascii import b2a_base64
from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from struct import Struct

MAC_BYTES = 16
TAG_BYTES = 8
TAG_DIGITS = 2 * TAG_BYTES
MOST_NUMBERS = 5
ID_LETTERS = 4
_PAYLOADS = tuple(Struct(f">{count}Q") for count in range(MOST_NUMBERS + 1))
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_UNNAMED = tuple(-(-(8 * count + MAC_BYTES) * 4 // 3) for count in range(1, MOST_NUMBERS + 1))
"""How many letters a token has without its key's id."""
_TAG = re.compile(rf"([0-9a-f]{{1,16}})-([0-9a-f]{{{TAG_DIGITS}}})", re.IGNORECASE)


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
    REFUSE = "refuse"
    """(subscriber, then a mailbox's keyed hash in four parts); for ever"""
    VIEW = "view"
    """(message)"""
    OWN = "own"
    """(what it is for, subscriber, last second): sent to the mailbox, which it proves"""
    BROWSER = "browser"
    """(owner, random): a browser in which this owner has signed in"""
    RESET = "reset"
    """(password reset, random, random)"""
    INVITATION = "invitation"
    """(invitation, random, random)"""
    LOGIN = "login"
    """(change of a sign-in address, random, random): the press at the new one"""
    NOT_ME = "not me"
    """The same, for the earlier one: it is called off"""
    FORM = "form"
    """(last second)"""
    PRESS = "press"
    """(last millisecond, what it is good for): on the page that asks for one more press"""
    CLICK = "click"
    """(message): it says whose mail a followed link stood in, and does nothing else"""
    REPORTS = "reports"
    """(sending service, which of its addresses): where that service reports bounces and complaints"""
    LINK = "link"
    """Seals what a followed link leads to (`Signer.sealed`); for ever"""


class BadLink(Exception):
    """The token is not one of ours: forged, cut off, or made for something else."""


class ExpiredLink(Exception):
    """The token is ours, but its time is over."""


class Key:
    """One secret, ready to sign: its block is hashed here, once; a token then starts from a copy."""

    def __init__(self, secret: bytes) -> None:
        key = hmac.digest(secret, b"newsletter links", "sha512")  # 64 octets, whatever the secret's length
        self.fingerprint = blake2b(key=key, digest_size=16, person=b"print").hexdigest()
        """Tells whether two keys are one, and nothing about the key."""
        self.id = urlsafe_b64encode(blake2b(key=key, digest_size=3, person=b"id").digest()).decode()
        """Four letters at the end of each token; they only say which key to try."""
        self.keyed = {p: blake2b(key=key, digest_size=MAC_BYTES, person=f"{p}+".encode()) for p in Purpose}
        # Apart, so that a token whose id is cut off is worth nothing.
        self._unnamed = {p: blake2b(key=key, digest_size=MAC_BYTES, person=p.encode()) for p in Purpose}
        self.tagged = blake2b(key=key, digest_size=2 * TAG_BYTES, person=b"tag").copy

    def mac(self, purpose: Purpose, payload: bytes, named: bool = True) -> bytes:
        """What proves that these numbers were signed for this purpose. `named`: in a token that names its key."""
        mac = (self.keyed if named else self._unnamed)[purpose].copy()
        mac.update(payload)
        return mac.digest()

    def tag_halves(self, digits: str) -> str:
        """The MAC of a message's number in hex: one half for its Message-ID, the other for its return path."""
        mac = self.tagged()
        mac.update(digits.encode())
        return mac.hexdigest()


class Signer:
    """Makes tokens under the product's secret key, and reads those made under this one or one of the `old` ones."""

    def __init__(self, secret: bytes, old: Sequence[bytes] = ()) -> None:
        self._keys = tuple(Key(one) for one in (secret, *old))
        self._current = self._keys[0]
        self._id = self._current.id
        self._tagged = self._current.tagged
        self._ranges: tuple[tuple[int, Key], ...] | None = None
        self._since = 0

    @property
    def key_print(self) -> str:
        """The current key's fingerprint."""
        return self._current.fingerprint

    @property
    def key_prints(self) -> tuple[str, ...]:
        """The fingerprints of all keys that are good for links, the current one first."""
        return tuple(key.fingerprint for key in self._keys)

    @property
    def key_id(self) -> str:
        """What the tokens made now end in."""
        return self._id

    @property
    def knows_ranges(self) -> bool:
        """Whether `learn_ranges` was called."""
        return self._ranges is not None

    def learn_ranges(self, ranges: Sequence[tuple[int, str]]) -> None:
        """Be told up to which message number old keys were the current ones, the oldest first.

        A message keeps its Message-ID and return path at every try, also when the key is changed between two.
        """
        known = {key.fingerprint: key for key in self._keys}
        self._ranges = tuple((last, known[name]) for last, name in ranges if name in known)
        self._since = self._ranges[-1][0] if self._ranges else 0

    def letter_maker(self, clicks: bool = False) -> Callable[[int, int], tuple[bytes, bytes, bytes, bytes]]:
        """What makes the tokens that each bulk mail carries, for whoever needs a million of them.

        From a subscriber and a message: those to choose (PREFERENCES), to see the mail (VIEW), to leave (UNSUBSCRIBE)
        and, where `clicks` are counted, to say whose click it is (CLICK), just as `token` makes them, but for the key's
        id at their end: it is the same for all.
        """
        keyed = self._current.keyed
        choose, see, leave, click = (
            keyed[p].copy for p in (Purpose.PREFERENCES, Purpose.VIEW, Purpose.UNSUBSCRIBE, Purpose.CLICK)
        )
        pack = _PAYLOADS[2].pack

        def made(subscriber: int, message: int) -> tuple[bytes, bytes, bytes, bytes]:
            both = pack(subscriber, message)
            who, which = both[:8], both[8:]
            choosing, seeing, leaving, clicked = choose(), see(), leave(), b""
            choosing.update(who)
            seeing.update(which)
            leaving.update(both)
            if clicks:
                clicking = click()
                clicking.update(which)
                clicked = which + clicking.digest()
            # Each but the last has 24 octets, which is 32 letters and nothing over: so all of it is encoded in one go.
            raw = b"".join((who, choosing.digest(), which, seeing.digest(), clicked, both, leaving.digest()))
            coded = b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=")
            if clicks:
                return coded[:32], coded[32:64], coded[96:], coded[64:96]
            return coded[:32], coded[32:64], coded[64:], b""

        return made

    def tags(self, number: int) -> tuple[str, str]:
        """A message's two tags: for its Message-ID and for its return path. They share a MAC, each has its own half of
        it, so that one does not tell the other."""
        digits = f"{number:x}"
        if number <= self._since:
            halves = self._key_of(number).tag_halves(digits)
        else:  # what a campaign's million messages take; written out, for a call would be a tenth of it
            mac = self._tagged()
            mac.update(digits.encode())
            halves = mac.hexdigest()
        return f"{digits}-{halves[:TAG_DIGITS]}", f"{digits}-{halves[TAG_DIGITS:]}"

    def _key_of(self, number: int) -> Key:
        ranges = self._ranges or ()
        place = bisect_left([last for last, _ in ranges], number)
        return ranges[place][1] if place < len(ranges) else self._current

    def token(self, purpose: Purpose, *numbers: int) -> str:
        """Sign one to five numbers (each 0 … 2⁶⁴−1) for a purpose."""
        payload = _PAYLOADS[len(numbers)].pack(*numbers)
        return _letters(payload + self._current.mac(purpose, payload)) + self._id

    def message_tag(self, number: int) -> str:
        """A message's number, signed, for its Message-ID."""
        return self.tags(number)[0]

    def return_tag(self, number: int) -> str:
        """A message's number, signed, for its return path: in lower-case hex, for case may get lost (RFC 5321 §2.4)."""
        return self.tags(number)[1]

    def returned_number(self, tag: str) -> int:
        """The message that a bounce came back for, from the tag in the return path. Raises BadLink.

        Letters may have changed their case on the way (RFC 5321 §2.4).
        """
        return self._number_of(tag, slice(TAG_DIGITS, None))

    def message_number(self, tag: str) -> int:
        """The message whose Message-ID holds this tag. Raises BadLink."""
        return self._number_of(tag, slice(TAG_DIGITS))

    def _number_of(self, tag: str, half: slice) -> int:
        found = _TAG.fullmatch(tag)
        if found is None:
            raise BadLink
        digits, given = f"{int(found[1], 16):x}", found[2].lower()
        if not any(hmac.compare_digest(key.tag_halves(digits)[half], given) for key in self._keys):
            raise BadLink
        return int(digits, 16)

    def numbers(self, purpose: Purpose, token: str) -> tuple[int, ...]:
        """Read a token back. Raises BadLink for anything that `token` did not make for this purpose."""
        named = len(token) - ID_LETTERS in _UNNAMED
        if not named and len(token) not in _UNNAMED:
            raise BadLink
        letters, id = (token[:-ID_LETTERS], token[-ID_LETTERS:]) if named else (token, "")
        raw = _octets(letters)
        payload, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        if not payload or len(payload) % 8:
            raise BadLink
        keys = [key for key in self._keys if key.id == id] if named else self._keys
        if not any(hmac.compare_digest(key.mac(purpose, payload, named), mac) for key in keys):
            raise BadLink
        numbers: tuple[int, ...] = _PAYLOADS[len(payload) // 8].unpack(payload)
        return numbers

    def sealed(self, purpose: Purpose, payload: bytes) -> str:
        """Sign any octets for a purpose; they stand in the token."""
        return _letters(payload + self._current.mac(purpose, payload)) + self._id

    def opened(self, purpose: Purpose, token: str) -> bytes:
        """The octets that `sealed` signed for this purpose. Raises BadLink."""
        letters, id = token[:-ID_LETTERS], token[-ID_LETTERS:]
        raw = _octets(letters)
        payload, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        keys = [key for key in self._keys if key.id == id]
        if not payload or not any(hmac.compare_digest(key.mac(purpose, payload), mac) for key in keys):
            raise BadLink
        return payload


def _letters(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode()


def _octets(letters: str) -> bytes:
    """What `_letters` made these of. Raises BadLink."""
    try:
        raw = urlsafe_b64decode(letters.encode("ascii") + b"=" * (-len(letters) % 4))
    except (UnicodeEncodeError, Base64Error, ValueError):
        raise BadLink from None
    # base64 has spare bits and skips what it does not know, but one link must have one spelling.
    if _letters(raw) != letters:
        raise BadLink
    return raw


def still_good(last_second: int, now: datetime) -> None:
    """Raise ExpiredLink when `now` is past the last second (Unix time) that a token carries."""
    if now.timestamp() > last_second:
        raise ExpiredLink
