"""The results of the last checks of the sender and relays, for the page of sending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from newsletter import brand, sending
from newsletter.mail import alarms
from newsletter.mail.alarms import Alarm, AlarmKind
from newsletter.mail.signing import signing_keys
from newsletter.sender_domain import Light, Why
from newsletter.sending import LookKind, SendingLook
from newsletter.smtp import Trouble, parse_relays
from newsletter.web.owner import sending_words as words
from newsletter.web.state import now, runtime

Looks = Mapping[tuple[LookKind, str], SendingLook]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayShown:
    """A relay as shown on the page."""

    name: str
    look: SendingLook | None
    alarm: Alarm | None
    light: Light
    light_words: str

    @property
    def advice(self) -> alarms.Advice | None:
        """Advice on the test's result, if any."""
        code = self.look.found.get("trouble", "") if self.look else ""
        return alarms.advice(Trouble(code)) if code in set(Trouble) else None


def relay_names(session: Session) -> list[str]:
    """The relays in SMTP_URL as a worker's last check found them; before the first check, as in this process."""
    found = next((one.found for one in sending.every(session) if one.kind is LookKind.DOMAIN), {})
    return list(found.get("relays") or (one.name for one in parse_relays(runtime().settings.relays)))


def shown(session: Session) -> dict[str, Any]:
    """The template's variables for the sender and the relays."""
    looks = {(one.kind, one.name): one for one in sending.every(session)}
    domain = looks.get((LookKind.DOMAIN, ""))
    found = domain.found if domain else {}
    dkim = [one["why"] for one in found.get("findings", ()) if one["part"] == "dkim"]
    key = looks.get((LookKind.KEY, ""))
    return {
        "sender": brand.current(session).email, "domain": domain, "found": found, "lights": words.LIGHTS,
        "parts": words.PARTS, "told": words.told, "advice": alarms.advice, "relays": _relays(session, looks),
        "makes_key": dkim == [Why.RELAY_SIGNS] and not (key and key.waits),
        "key": key.found if key else {}, "other_keys": _alarms(session, AlarmKind.SIGNING),
        "other_key": alarms.advice_on, "signing_keys": signing_keys(session),
        "state": state_of(looks), "return_path": runtime().renderer.sender_form.rpartition("@")[2], "at": now(),
        "spamd": runtime().settings.spamd,
    }  # fmt: skip


def _relays(session: Session, looks: Looks) -> Sequence[RelayShown]:
    wrong = {one.name: one for one in _alarms(session, AlarmKind.RELAY)}
    every = []
    for name in relay_names(session):
        look = looks.get((LookKind.RELAY, name))
        light, told = words.tls(look.found if look else {})
        every.append(RelayShown(name=name, look=look, alarm=wrong.get(name), light=light, light_words=told))
    return every


def _alarms(session: Session, kind: AlarmKind) -> Sequence[Alarm]:
    return [one for one in alarms.current(session, now()) if one.kind is kind]


def state_of(looks: Looks) -> str:
    """A text that changes with every new result."""
    return "waiting " * any(one.waits for one in looks.values()) + " ".join(
        f"{one.looked_at:%H%M%S%f}" for one in looks.values() if one.looked_at
    )
