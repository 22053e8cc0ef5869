"""What is said between us, a browser and a key (WebAuthn Level 3): for which site, what is asked, what came back.

The library that reads the answers is imported with the first of them, so that no worker pays for it.
"""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import idna

from newsletter.accounts.passkey import GOOD_FOR, LONGEST_ID, LONGEST_KEY
from newsletter.networks import address, is_loopback

LOCAL = "localhost"
_PORTS = {"https": 443, "http": 80}


class NoPlace(StrEnum):
    """Why no browser makes a passkey for the address of a site."""

    NUMBER = "number"
    """Its host is an IP address: a passkey is for a name (WebAuthn §5.1.2)."""
    PLAIN = "plain"
    """It has no TLS."""


@dataclass(frozen=True, slots=True)
class Place:
    """The site that passkeys are for. `origin`: as browsers write it, "https://news.example.org"."""

    rp_id: str
    origin: str


class BadPasskey(ValueError):
    """What came back was not made for this challenge, this site and this key, or it cannot be read."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; its id and its public half as base64url."""

    credential_id: str
    public_key: str
    sign_count: int
    rp_id: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A good answer: what the key's counter says, and the handle of whose key it is ("" where it says none)."""

    sign_count: int
    handle: str


def place(site: str) -> Place | NoPlace:
    """Where passkeys of this site (`Settings.site`) belong.

    This machine by a number is this machine by its name too, and browsers take passkeys for "localhost" without TLS.
    """
    seen = urlsplit(site)
    host = seen.hostname or ""
    if is_loopback(host):
        host = LOCAL
    elif address(host) is not None:
        return NoPlace.NUMBER
    elif seen.scheme != "https":
        return NoPlace.PLAIN
    name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    port = f":{seen.port}" if seen.port not in (None, _PORTS.get(seen.scheme)) else ""
    return Place(name, f"{seen.scheme}://{name}{port}")


def asked_to_make(where: Place, challenge: str, *, site: str, email: str, handle: str, known: Iterable[str]) -> str:
    """The options for `navigator.credentials.create()`, as JSON. `known`: keys that this person has already."""
    webauthn, structs = _library()
    made = webauthn.generate_registration_options(
        rp_id=where.rp_id, rp_name=site, user_name=email, user_id=bytes.fromhex(handle),
        challenge=webauthn.base64url_to_bytes(challenge), timeout=_milliseconds(),
        attestation=structs.AttestationConveyancePreference.NONE,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_described(known),
    )  # fmt: skip
    return str(webauthn.options_to_json(made))


def asked_to_sign(where: Place, challenge: str, known: Iterable[str] = ()) -> str:
    """The options for `navigator.credentials.get()`, as JSON. `known`: the keys it may be; none named: any."""
    webauthn, structs = _library()
    made = webauthn.generate_authentication_options(
        rp_id=where.rp_id, challenge=webauthn.base64url_to_bytes(challenge), timeout=_milliseconds(),
        allow_credentials=_described(known), user_verification=structs.UserVerificationRequirement.REQUIRED,
    )  # fmt: skip
    return str(webauthn.options_to_json(made))


def made(where: Place, challenge: str, answer: str) -> NewKey:
    """The key that a browser says it has made, for somebody who showed a finger, a face or a PIN. Raises BadPasskey."""
    webauthn, _ = _library()
    try:
        seen = webauthn.verify_registration_response(
            credential=answer, expected_challenge=webauthn.base64url_to_bytes(challenge),
            expected_rp_id=where.rp_id, expected_origin=where.origin, require_user_verification=True,
        )  # fmt: skip
    except Exception as error:  # its parsers raise whatever they stumble over in the octets of strangers
        raise BadPasskey(type(error).__name__) from error
    new = NewKey(
        credential_id=_text(seen.credential_id), public_key=_text(seen.credential_public_key),
        sign_count=seen.sign_count, rp_id=where.rp_id,
    )  # fmt: skip
    if len(new.credential_id) > LONGEST_ID or len(new.public_key) > LONGEST_KEY:
        raise BadPasskey("too long")
    return new


def id_of(answer: str) -> str:
    """Which key says that it has signed. Raises BadPasskey."""
    return _text(_read(answer).raw_id)


def signed(where: Place, challenge: str, answer: str, public_key: str) -> Signed:
    """What a key has signed. The counter is for the caller to judge. Raises BadPasskey."""
    webauthn, _ = _library()
    credential = _read(answer)
    try:
        seen = webauthn.verify_authentication_response(
            credential=credential, expected_challenge=webauthn.base64url_to_bytes(challenge),
            expected_rp_id=where.rp_id, expected_origin=where.origin, require_user_verification=True,
            credential_public_key=webauthn.base64url_to_bytes(public_key), credential_current_sign_count=0,
        )  # fmt: skip
    except Exception as error:  # its parsers raise whatever they stumble over in the octets of strangers
        raise BadPasskey(type(error).__name__) from error
    return Signed(seen.new_sign_count, (credential.response.user_handle or b"").hex())


def _read(answer: str) -> Any:
    try:
        return importlib.import_module("webauthn.helpers").parse_authentication_credential_json(answer)
    except Exception as error:  # its parsers raise whatever they stumble over in the octets of strangers
        raise BadPasskey(type(error).__name__) from error


def _library() -> tuple[Any, Any]:
    return importlib.import_module("webauthn"), importlib.import_module("webauthn.helpers.structs")


def _described(known: Iterable[str]) -> list[Any]:
    webauthn, structs = _library()
    return [structs.PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(one)) for one in known]


def _text(octets: bytes) -> str:
    text: str = importlib.import_module("webauthn.helpers").bytes_to_base64url(octets)
    return text


def _milliseconds() -> int:
    return round(GOOD_FOR.total_seconds() * 1000)
