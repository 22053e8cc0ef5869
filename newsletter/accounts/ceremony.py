"""The WebAuthn ceremonies (Level 3): options for the browser, and verification of what comes back.

The library is imported on first use, so workers do not pay for it.
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
    """Why browsers refuse passkeys for a site's address."""

    NUMBER = "number"
    """Its host is an IP address; a passkey needs a domain name (WebAuthn §5.1.2)."""
    PLAIN = "plain"
    """It does not use HTTPS."""


@dataclass(frozen=True, slots=True)
class Place:
    """The relying party. `origin` is as browsers write it: "https://news.example.org"."""

    rp_id: str
    origin: str


class BadPasskey(ValueError):
    """The response is malformed, or does not match this challenge, site and key."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A freshly registered key; its id and public key as base64url."""

    credential_id: str
    public_key: str
    sign_count: int
    rp_id: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A verified assertion: the signature counter, and the user handle in hex ("" if the key sent none)."""

    sign_count: int
    handle: str


def place(site: str) -> Place | NoPlace:
    """The relying party for a site (`Settings.site`), or why it can have no passkeys.

    Loopback addresses become "localhost", for which browsers accept passkeys without TLS.
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
    """Options for `navigator.credentials.create()`, as JSON. `known`: ids of the keys this person already has."""
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
    """Options for `navigator.credentials.get()`, as JSON. `known`: ids of the allowed keys; empty allows any."""
    webauthn, structs = _library()
    made = webauthn.generate_authentication_options(
        rp_id=where.rp_id, challenge=webauthn.base64url_to_bytes(challenge), timeout=_milliseconds(),
        allow_credentials=_described(known), user_verification=structs.UserVerificationRequirement.REQUIRED,
    )  # fmt: skip
    return str(webauthn.options_to_json(made))


def made(where: Place, challenge: str, answer: str) -> NewKey:
    """The key a browser has registered, with its user verified (fingerprint, face or PIN). Raises BadPasskey."""
    webauthn, _ = _library()
    try:
        seen = webauthn.verify_registration_response(
            credential=answer, expected_challenge=webauthn.base64url_to_bytes(challenge),
            expected_rp_id=where.rp_id, expected_origin=where.origin, require_user_verification=True,
        )  # fmt: skip
    except Exception as error:  # its parsers raise anything on malformed input
        raise BadPasskey(type(error).__name__) from error
    new = NewKey(
        credential_id=_text(seen.credential_id), public_key=_text(seen.credential_public_key),
        sign_count=seen.sign_count, rp_id=where.rp_id,
    )  # fmt: skip
    if len(new.credential_id) > LONGEST_ID or len(new.public_key) > LONGEST_KEY:
        raise BadPasskey("too long")
    return new


def id_of(answer: str) -> str:
    """The id of the key an assertion claims to come from. Raises BadPasskey."""
    return _text(_read(answer).raw_id)


def signed(where: Place, challenge: str, answer: str, public_key: str) -> Signed:
    """Verify an assertion. The caller judges the signature counter. Raises BadPasskey."""
    webauthn, _ = _library()
    credential = _read(answer)
    try:
        seen = webauthn.verify_authentication_response(
            credential=credential, expected_challenge=webauthn.base64url_to_bytes(challenge),
            expected_rp_id=where.rp_id, expected_origin=where.origin, require_user_verification=True,
            credential_public_key=webauthn.base64url_to_bytes(public_key), credential_current_sign_count=0,
        )  # fmt: skip
    except Exception as error:  # its parsers raise anything on malformed input
        raise BadPasskey(type(error).__name__) from error
    return Signed(seen.new_sign_count, (credential.response.user_handle or b"").hex())


def _read(answer: str) -> Any:
    try:
        return importlib.import_module("webauthn.helpers").parse_authentication_credential_json(answer)
    except Exception as error:  # its parsers raise anything on malformed input
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
