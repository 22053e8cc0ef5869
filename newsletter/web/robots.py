"""Robot protection: a sign-up needs a proof of work for a challenge given to this client and form, or a confirmation
on our page that shows the address; anything else is answered with that page.
On a local installation, which only its owner can reach, any form from our own pages is accepted.

The proof is ALTCHA's. Our script computes it while somebody types, so nobody sees a puzzle or waits.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

import altcha

from newsletter.links import BadLink, Purpose
from newsletter.subscribers import Address
from newsletter.web.state import client_household, now, runtime, state

LEAST_WORK, MOST_WORK = 20_000, 60_000
"""SHA-256 hashes a browser computes per sign-up."""
PROOF_LIFE = timedelta(hours=1)
PRESS_LIFE = timedelta(hours=24)
AGAIN_AFTER = timedelta(seconds=60)
"""Wait before a mail may be requested again."""
LEAST_TIME = timedelta(seconds=1)
"""Nobody sends a form sooner after its challenge, or after the page with the button."""


def challenge(form: str) -> dict[str, Any]:
    """A challenge for this client and form, in ALTCHA's format."""
    counter = LEAST_WORK + secrets.randbelow(MOST_WORK - LEAST_WORK)
    data = {"for": _client_hash("proof", form), "until": _milliseconds(now() + PROOF_LIFE)}
    made: altcha.Challenge = altcha.create_challenge(
        "SHA-256", 1, counter=counter, key_prefix_length=8, data=data, hmac_secret=_key()
    )
    return made.to_dict()


def is_person(form: str, address: Address, proof: str, press: str, page: str = "") -> bool:
    """Whether a sign-up's tokens show that a browser or person sent it."""
    return _is_pressed(form, address, press) or _is_from_home(page) or _is_proven(form, address, proof)


def is_home() -> bool:
    """Whether this is a local installation on its owner's machine."""
    return runtime().settings.is_local


def page_token() -> str:
    """On a local installation a token that the form comes from our page, for tools without scripts; else ""."""
    return runtime().signer.token(Purpose.FORM, _milliseconds(now() + PRESS_LIFE)) if is_home() else ""


def _is_from_home(token: str) -> bool:
    try:
        (until,) = runtime().signer.numbers(Purpose.FORM, token)
    except (BadLink, ValueError):
        return False
    return is_home() and _milliseconds(now()) <= until


def _is_proven(form: str, address: Address, proof: str) -> bool:
    """Verify a proof, which is valid for a single address, so that a robot needs one for each."""
    try:
        shown = altcha.Payload.from_base64(proof)
        solved = altcha.verify_solution(shown, _key()).verified
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return False
    data, signature = shown.challenge.parameters.data, shown.challenge.signature or ""
    if not solved or not isinstance(data, dict) or data["for"] != _client_hash("proof", form):
        return False
    if not _is_in_time(data["until"], PROOF_LIFE):
        return False
    used_by = _client_hash("used", address.key)
    return state().proofs.is_free(signature[:32], used_by, int(PROOF_LIFE.total_seconds()))


def press_token(form: str, address: Address, shown: str = "") -> str:
    """The token in the page with the button, bound to form, address and client.

    `shown`: the token sent; if still valid it is reused, so that a second press is not too soon again.
    """
    if (until := _pressed_until(form, address, shown)) and _milliseconds(now()) <= until:
        return shown
    return runtime().signer.token(Purpose.PRESS, _milliseconds(now() + PRESS_LIFE), _press_of(form, address))


def _is_pressed(form: str, address: Address, token: str) -> bool:
    until = _pressed_until(form, address, token)
    return until is not None and _is_in_time(until, PRESS_LIFE)


def _pressed_until(form: str, address: Address, token: str) -> int | None:
    """When this token expires (Unix milliseconds); None if it is not valid here."""
    try:
        until, bound = runtime().signer.numbers(Purpose.PRESS, token)
    except (BadLink, ValueError):
        return None
    return until if bound == _press_of(form, address) else None


def _press_of(form: str, address: Address) -> int:
    return int(_client_hash("press", form, address.key), 16)


def asked_token(shown: str = "") -> str:
    """The token in the page that offers to resend a mail: since when it waits, bound to the client. `shown`: the
    token sent; if valid it is reused."""
    if _asked_since(shown) is not None:
        return shown
    return runtime().signer.token(Purpose.AGAIN, _milliseconds(now()), int(_client_hash("again"), 16))


def seconds_left(token: str) -> int:
    """Seconds the client with this token still has to wait; a full wait for an invalid one."""
    moment = _milliseconds(now())
    since = _asked_since(token)
    until = (moment if since is None else since) + AGAIN_AFTER // timedelta(milliseconds=1)
    return max(-((moment - until) // 1000), 0)


def _asked_since(token: str) -> int | None:
    """When this token was given to this client (Unix milliseconds); None if it is invalid."""
    try:
        since, bound = runtime().signer.numbers(Purpose.AGAIN, token)
    except (BadLink, ValueError):
        return None
    return since if bound == int(_client_hash("again"), 16) else None


def _is_in_time(until: int, life: timedelta) -> bool:
    """Whether at least `LEAST_TIME` has passed since it was given, and it has not expired."""
    least = until - (life - LEAST_TIME) // timedelta(milliseconds=1)
    return least <= _milliseconds(now()) <= until


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _client_hash(*what: str) -> str:
    """A keyed hash of these values and the client: 16 hex digits."""
    return hmac.digest(_key(), "\0".join((client_household(), *what)).encode(), "sha256").hex()[:16]


def _key() -> bytes:
    return hmac.digest(runtime().secrets[0], b"newsletter robots", "sha256")
