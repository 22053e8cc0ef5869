"""Robots, in one rule: a sign-up is taken with a proof of work for a challenge that we gave this client for this form,
or with the press of the button on a page of ours that shows the address; all else is answered by that page.
At home, where nobody but its owner reaches the site, what was sent from any page of ours is taken.

The proof is ALTCHA's. Our script makes it while somebody types, so nobody sees a puzzle or waits for one.
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
"""SHA-256 blocks that a browser hashes for one sign-up."""
PROOF_LIFE = timedelta(hours=1)
PRESS_LIFE = timedelta(hours=24)
AGAIN_AFTER = timedelta(seconds=60)
"""How long after a mail was asked for it may be asked for again."""
LEAST_TIME = timedelta(seconds=1)
"""Sooner than this after a challenge, or the page with the button, no person has sent a form."""


def challenge(form: str) -> dict[str, Any]:
    """A challenge for this client and this form, as ALTCHA's scripts read it."""
    counter = LEAST_WORK + secrets.randbelow(MOST_WORK - LEAST_WORK)
    data = {"for": _bound("proof", form), "until": _milliseconds(now() + PROOF_LIFE)}
    made: altcha.Challenge = altcha.create_challenge(
        "SHA-256", 1, counter=counter, key_prefix_length=8, data=data, hmac_secret=_key()
    )
    return made.to_dict()


def is_person(form: str, address: Address, proof: str, press: str, page: str = "") -> bool:
    """Whether what came with a sign-up by this form shows that a browser or a person has sent it."""
    return _is_pressed(form, address, press) or _is_from_home(page) or _is_proven(form, address, proof)


def is_home() -> bool:
    """Whether this is an installation on its owner's own machine."""
    return runtime().settings.is_local


def page_token() -> str:
    """What shows at home that a form was sent from a page of ours: tools of the owner's need no script. Else ""."""
    return runtime().signer.token(Purpose.FORM, _milliseconds(now() + PRESS_LIFE)) if is_home() else ""


def _is_from_home(token: str) -> bool:
    try:
        (until,) = runtime().signer.numbers(Purpose.FORM, token)
    except (BadLink, ValueError):
        return False
    return is_home() and _milliseconds(now()) <= until


def _is_proven(form: str, address: Address, proof: str) -> bool:
    """A proof is good for one address: those of a robot's list cost it one each."""
    try:
        shown = altcha.Payload.from_base64(proof)
        solved = altcha.verify_solution(shown, _key()).verified
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return False
    data, signature = shown.challenge.parameters.data, shown.challenge.signature or ""
    if not solved or not isinstance(data, dict) or data["for"] != _bound("proof", form):
        return False
    if not _is_in_time(data["until"], PROOF_LIFE):
        return False
    used_by = _bound("used", address.key)
    return state().proofs.is_free(signature[:32], used_by, int(PROOF_LIFE.total_seconds()))


def press_token(form: str, address: Address, shown: str = "") -> str:
    """What the button's page sends along: for this form, this address and this client.

    `shown`: what it sent. Where that was pressed too soon it stays, so that the next press is not too soon again.
    """
    if (until := _pressed_until(form, address, shown)) and _milliseconds(now()) <= until:
        return shown
    return runtime().signer.token(Purpose.PRESS, _milliseconds(now() + PRESS_LIFE), _press_of(form, address))


def _is_pressed(form: str, address: Address, token: str) -> bool:
    until = _pressed_until(form, address, token)
    return until is not None and _is_in_time(until, PRESS_LIFE)


def _pressed_until(form: str, address: Address, token: str) -> int | None:
    """Until when this token is good here; None: it never was."""
    try:
        until, bound = runtime().signer.numbers(Purpose.PRESS, token)
    except (BadLink, ValueError):
        return None
    return until if bound == _press_of(form, address) else None


def _press_of(form: str, address: Address) -> int:
    return int(_bound("press", form, address.key), 16)


def asked_token(shown: str = "") -> str:
    """What a page that offers to send the mail again sends along: since when it waits, for this client. `shown`: what
    it sent, which stays."""
    if _asked_since(shown) is not None:
        return shown
    return runtime().signer.token(Purpose.AGAIN, _milliseconds(now()), int(_bound("again"), 16))


def seconds_left(token: str) -> int:
    """For how long the client still waits who has this token; a full wait with one that is none."""
    moment = _milliseconds(now())
    since = _asked_since(token)
    until = (moment if since is None else since) + AGAIN_AFTER // timedelta(milliseconds=1)
    return max(-((moment - until) // 1000), 0)


def _asked_since(token: str) -> int | None:
    """The millisecond in which this token was given to this client; None: it never was."""
    try:
        since, bound = runtime().signer.numbers(Purpose.AGAIN, token)
    except (BadLink, ValueError):
        return None
    return since if bound == int(_bound("again"), 16) else None


def _is_in_time(until: int, life: timedelta) -> bool:
    """Whether this moment is neither too soon after it was given nor too late."""
    least = until - (life - LEAST_TIME) // timedelta(milliseconds=1)
    return least <= _milliseconds(now()) <= until


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _bound(*what: str) -> str:
    """Sixteen hex digits that stand for this and for the client who asks, and tell nothing of either."""
    return hmac.digest(_key(), "\0".join((client_household(), *what)).encode(), "sha256").hex()[:16]


def _key() -> bytes:
    return hmac.digest(runtime().secrets[0], b"newsletter robots", "sha256")
