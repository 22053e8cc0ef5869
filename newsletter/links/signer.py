"""Signed tokens for links in mails and on pages: short, separated by purpose, and cheap to make by the million.

A token is base64url(numbers ‖ MAC) plus four letters that identify the key: up to five 64-bit numbers and 128 bits of
keyed BLAKE2b (RFC 7693 §2.9), with a key derived from the secret key and the purpose as personalisation. It contains no
personal data and no timestamp; purposes that expire put the last valid second in a number.

After a change of the secret key, new tokens use the current one and old tokens stay valid. Tokens made in 2026 or
earlier do not identify their key; every key is tried on them.
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
"""Token lengths without the key's id."""
_TAG = re.compile(rf"([0-9a-f]{{1,16}})-([0-9a-f]{{{TAG_DIGITS}}})", re.IGNORECASE)


class Purpose(StrEnum):
    """What a token is for; it is invalid for any other purpose. Docstrings list its numbers."""

    CONFIRM = "confirm"
    """(consent, last second)"""
    LIBRARY = "library"
    """(subscriber)"""
    DOWNLOAD = "download"
    """(subscriber, guide, last second)"""
    PREFERENCES = "preferences"
    """(subscriber)"""
    UNSUBSCRIBE = "unsubscribe"
    """(subscriber, message); never expires"""
    REFUSE = "refuse"
    """(subscriber, a mailbox's keyed hash in four parts); never expires"""
    VIEW = "view"
    """(message)"""
    OWN = "own"
    """(what it is for, subscriber, last second): mailed, so that using it proves access to the mailbox"""
    BROWSER = "browser"
    """(owner, random): a browser in which this owner has signed in"""
    RESET = "reset"
    """(password reset, random, random)"""
    INVITATION = "invitation"
    """(invitation, random, random)"""
    LOGIN = "login"
    """(login change, random, random): confirms it from the new address"""
    NOT_ME = "not me"
    """(login change, random, random): cancels it from the earlier address"""
    FORM = "form"
    """(last second)"""
    PRESS = "press"
    """(last millisecond, what it is good for): on the page that asks for another confirmation"""
    AGAIN = "again"
    """(millisecond, client): when the page that offers to resend a mail was rendered"""
    CLICK = "click"
    """(message): identifies the mail a followed link was in; authorises nothing"""
    REPORTS = "reports"
    """(sending service, generation): the webhook for that service's bounces and complaints"""
    LINK = "link"
    """Signs a followed link's target (`Signer.sealed`); never expires"""


class BadLink(Exception):
    """The token is forged, truncated, or for another purpose."""


class ExpiredLink(Exception):
    """The token is genuine but has expired."""


class Key:
    """One secret key, prepared for signing: each hash state is initialised once and copied per token."""

    def __init__(self, secret: bytes) -> None:
        key = hmac.digest(secret, b"newsletter links", "sha512")  # 64 octets, whatever the secret's length
        self.fingerprint = blake2b(key=key, digest_size=16, person=b"print").hexdigest()
        """Identifies the key without revealing anything about it."""
        self.id = urlsafe_b64encode(blake2b(key=key, digest_size=3, person=b"id").digest()).decode()
        """Four letters at the end of each token; only a hint which key to try."""
        self.keyed = {p: blake2b(key=key, digest_size=MAC_BYTES, person=f"{p}+".encode()) for p in Purpose}
        # A separate personalisation, so that a token with its key id cut off is invalid.
        self._unnamed = {p: blake2b(key=key, digest_size=MAC_BYTES, person=p.encode()) for p in Purpose}
        self.tagged = blake2b(key=key, digest_size=2 * TAG_BYTES, person=b"tag").copy

    def mac(self, purpose: Purpose, payload: bytes, named: bool = True) -> bytes:
        """The MAC of a payload for a purpose. `named`: for a token that ends in its key's id."""
        mac = (self.keyed if named else self._unnamed)[purpose].copy()
        mac.update(payload)
        return mac.digest()

    def tag_halves(self, digits: str) -> str:
        """The MAC of a message id in hex: one half for its Message-ID, the other for its return path."""
        mac = self.tagged()
        mac.update(digits.encode())
        return mac.hexdigest()


class Signer:
    """Makes tokens with the current secret key, and verifies those made with it or an `old` one."""

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
        """The fingerprints of all accepted keys, the current one first."""
        return tuple(key.fingerprint for key in self._keys)

    @property
    def key_id(self) -> str:
        """The suffix of new tokens."""
        return self._id

    @property
    def knows_ranges(self) -> bool:
        """Whether `learn_ranges` has been called."""
        return self._ranges is not None

    def learn_ranges(self, ranges: Sequence[tuple[int, str]]) -> None:
        """Set up to which message id each old key was current, oldest first: (last id, fingerprint).

        So a message keeps its Message-ID and return path across retries even if the key changes in between.
        """
        known = {key.fingerprint: key for key in self._keys}
        self._ranges = tuple((last, known[name]) for last, name in ranges if name in known)
        self._since = self._ranges[-1][0] if self._ranges else 0

    def letter_maker(self, clicks: bool = False) -> Callable[[int, int], tuple[bytes, bytes, bytes, bytes]]:
        """A fast function for the tokens of bulk mail: (subscriber, message) → tokens, in ASCII.

        Returns those for PREFERENCES, VIEW, UNSUBSCRIBE and, if `clicks` are counted, CLICK (else b""). Like those of
        `token`, but without the key's id at the end, which is the same for all.
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
            # All but the last have 24 octets, exactly 32 letters, so that one base64 call encodes them all.
            raw = b"".join((who, choosing.digest(), which, seeing.digest(), clicked, both, leaving.digest()))
            coded = b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=")
            if clicks:
                return coded[:32], coded[32:64], coded[96:], coded[64:96]
            return coded[:32], coded[32:64], coded[64:], b""

        return made

    def tags(self, number: int) -> tuple[str, str]:
        """A message's tags for its Message-ID and its return path. Each has its own half of one MAC, so that neither
        reveals the other."""
        digits = f"{number:x}"
        if number <= self._since:
            halves = self._key_of(number).tag_halves(digits)
        else:  # the hot path of a campaign; inlined, because a call would cost 10%
            mac = self._tagged()
            mac.update(digits.encode())
            halves = mac.hexdigest()
        return f"{digits}-{halves[:TAG_DIGITS]}", f"{digits}-{halves[TAG_DIGITS:]}"

    def _key_of(self, number: int) -> Key:
        ranges = self._ranges or ()
        place = bisect_left([last for last, _ in ranges], number)
        return ranges[place][1] if place < len(ranges) else self._current

    def token(self, purpose: Purpose, *numbers: int) -> str:
        """Sign one to five numbers (0 … 2⁶⁴−1) for a purpose."""
        payload = _PAYLOADS[len(numbers)].pack(*numbers)
        return _letters(payload + self._current.mac(purpose, payload)) + self._id

    def message_tag(self, number: int) -> str:
        """The signed message id for its Message-ID."""
        return self.tags(number)[0]

    def return_tag(self, number: int) -> str:
        """The signed message id for its return path, in lower-case hex, because case may be lost (RFC 5321 §2.4)."""
        return self.tags(number)[1]

    def returned_number(self, tag: str) -> int:
        """The id of the message a bounce is about, from the tag in the return path. Raises BadLink.

        Case is ignored (RFC 5321 §2.4).
        """
        return self._number_of(tag, slice(TAG_DIGITS, None))

    def message_number(self, tag: str) -> int:
        """The id of the message whose Message-ID contains this tag. Raises BadLink."""
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
        """The numbers in a token. Raises BadLink unless `token` made it for this purpose."""
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
        """Sign octets for a purpose; the token contains them in clear."""
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
    """The inverse of `_letters`. Raises BadLink."""
    try:
        raw = urlsafe_b64decode(letters.encode("ascii") + b"=" * (-len(letters) % 4))
    except (UnicodeEncodeError, Base64Error, ValueError):
        raise BadLink from None
    # base64 has spare bits and ignores unknown characters, but each token must have a single spelling.
    if _letters(raw) != letters:
        raise BadLink
    return raw


def still_good(last_second: int, now: datetime) -> None:
    """Raise ExpiredLink if `now` is past a token's last valid second (Unix time)."""
    if now.timestamp() > last_second:
        raise ExpiredLink
