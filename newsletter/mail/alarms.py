"""Alarms: what keeps mail from going out, shown on the owner's first page and sent to them by mail.

A relay that refuses for reasons of its own, confirmations that fail in a row, or a host with a different DKIM key. One
row for each, deleted when mail goes again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import structlog
from sqlalchemy import CheckConstraint, String, UniqueConstraint, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.brand import Brand
from newsletter.db import Base, Id, without
from newsletter.languages import counted, joined, marked, said
from newsletter.mail import signing
from newsletter.mail.ledger import ClaimedMessage, Outcome, State
from newsletter.mail.notice import tell_owners
from newsletter.mail.render import Renderer
from newsletter.mail.sentences import explained
from newsletter.smtp import RelayRefusal, SmtpResult, Stage, Trouble
from newsletter.subscribers import Stream

IN_A_ROW = 5
"""Confirmations that fail for good in a row before the owner is alarmed."""
log = structlog.get_logger()
PASSING, LASTING = timedelta(minutes=2), timedelta(minutes=15)
"""How long an alarm stays current without news: one that passes by itself, and any other."""


class AlarmKind(StrEnum):
    """What an alarm is about."""

    RELAY = "relay"
    CONFIRMATIONS = "confirmations"
    SIGNING = "signing"
    """A host has a DKIM key other than the recorded one, and sends nothing."""


class Alarm(Base):
    """Something that keeps mail from going out."""

    __tablename__ = "alarms"
    __table_args__ = (
        UniqueConstraint("kind", "name"),
        CheckConstraint("(kind = 'relay') = (trouble IS NOT NULL)", name="relay_has_trouble"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[AlarmKind]
    name: Mapped[str] = mapped_column(String(255))
    """The relay ("host:port") or the signing host; empty for confirmations."""
    trouble: Mapped[Trouble | None] = mapped_column()
    count: Mapped[int] = mapped_column(default=0)
    """Confirmations that failed in a row."""
    reply: Mapped[str] = mapped_column(String(500), default="")
    """The server's last reply, or the DNS names of the keys that differ."""
    since: Mapped[datetime]
    last_at: Mapped[datetime]

    def is_current(self, now: datetime) -> bool:
        """Whether the alarm still holds."""
        if self.kind is AlarmKind.CONFIRMATIONS:
            return self.count >= IN_A_ROW
        passes = self.trouble is not None and self.trouble.passes
        return now - self.last_at <= (PASSING if passes else LASTING)


class Advice(NamedTuple):
    """What a person reads about a trouble: what is wrong, and what to do."""

    title: str
    action: str


def current(session: Session, now: datetime) -> list[Alarm]:
    """Every alarm that still holds, oldest first."""
    rows = session.scalars(select(Alarm).order_by(Alarm.since, Alarm.id))
    return [alarm for alarm in rows if alarm.is_current(now)]


def watch(session: Session, alarmed: set[str] | None, results: Sequence[SmtpResult], outcomes: Sequence[Outcome],
          messages: Mapping[int, ClaimedMessage], refusals: Sequence[RelayRefusal],
          now: datetime) -> set[str]:  # fmt: skip
    """Raise or end alarms according to the results of a claim.

    `alarmed`: relays with a known alarm, "" for confirmations; None: not looked up yet. Returns it updated.
    """
    alarmed = set(session.scalars(select(Alarm.name))) if alarmed is None else set(alarmed)
    if refusals:
        relays_refuse(session, refusals, now)
        alarmed |= {one.relay for one in refusals}
    if alarmed:
        well = {one.relay for one in results if one.stage is Stage.ACCEPTED} - {one.relay for one in refusals}
        if well & alarmed:
            relays_take(session, well & alarmed)
            alarmed -= well
    ended = [
        None if one.state is State.SENT else explained(one.reason, reply=one.reply) for one in outcomes
        if one.state in (State.SENT, State.FAILED) and messages[one.id].stream is Stream.CONFIRM
    ]  # fmt: skip
    if any(one is not None for one in ended) or (ended and "" in alarmed):
        confirmations_end(session, ended, now)
        alarmed.add("")
    return alarmed


def relays_refuse(session: Session, refusals: Iterable[RelayRefusal], now: datetime) -> None:
    """Record relays that take no mail; notify the owner once a day if a person must act."""
    for refusal in refusals:
        alarm = _row(session, AlarmKind.RELAY, refusal.relay, now, refusal.trouble)
        if alarm.trouble is not refusal.trouble or not alarm.is_current(now):
            alarm.trouble, alarm.since = refusal.trouble, now
        alarm.reply, alarm.last_at = refusal.words[:500], now
        if refusal.trouble.needs_owner or refusal.trouble is Trouble.QUOTA:
            words = advice(refusal.trouble)
            tell_owners(
                session, now, key=f"relay:{refusal.relay}:{refusal.trouble}:{now:%Y%m%d}"[:190],
                title=joined((refusal.relay, said(words.title)), ": "),
                lines=[said("It said: %(words)s", words=refusal.words[:590]), said(words.action),
                       said("Nobody's mail is lost or counted as tried: it goes out as soon as the relay takes it.")],
                button=said("Look at it"), path="/owner/",
            )  # fmt: skip


def relays_take(session: Session, relays: Iterable[str]) -> None:
    """End the alarms of relays that take mail again."""
    session.execute(delete(Alarm).where(Alarm.kind == AlarmKind.RELAY, Alarm.name.in_(list(relays))))


def confirmations_end(session: Session, replies: Sequence[str | None], now: datetime) -> None:
    """Record finished confirmations, oldest first: None if sent, else the refusal's words."""
    failed: list[str] = []
    for reply in replies:
        failed = [] if reply is None else [*failed, reply]
    if None in replies:
        session.execute(delete(Alarm).where(Alarm.kind == AlarmKind.CONFIRMATIONS))
    if not failed:
        return
    alarm = _row(session, AlarmKind.CONFIRMATIONS, "", now, None)
    session.execute(update(Alarm).where(Alarm.id == alarm.id).values(count=Alarm.count + len(failed)))
    session.refresh(alarm)
    alarm.reply, alarm.last_at = failed[-1][:500], now
    if alarm.count >= IN_A_ROW:
        tell_owners(
            session, now, key=f"confirmations:{alarm.since:%Y%m%d%H%M%S}",
            title=counted("%(num)s confirmation in a row could not be delivered",
                          "%(num)s confirmations in a row could not be delivered", alarm.count),
            lines=[said("The last answer was: %(words)s", words=failed[-1][:570] or said("(none)")),
                   said("Who signs up now gets no confirmation. Most often the sender's address is not allowed: "
                        "look at RETURN_PATH and SMTP_URL, and at your provider's own page.")],
            button=said("Look at the messages"), path="/owner/messages?state=failed",
        )  # fmt: skip


@dataclass
class Keys:
    """Checks at each claim that this process has the installation's keys; the first good check ends the alarm."""

    were_right: bool = False

    def may_send(self, session: Session, current_brand: Brand, renderer: Renderer, now: datetime) -> bool:
        """Whether this host may send. With a different DKIM key it must not: it raises an alarm (`signing`)."""
        if not current_brand.is_signed_with(renderer.signer.key_print):
            log.error("nothing is sent: SECRET_KEY is another one than that of the installation")
            return False
        others = signing.settle(session, renderer.dkim, now)
        if others:
            log.error("nothing is sent: the DKIM key of this host is another one than is known", names=others)
            _other_key(session, others, now)
        elif renderer.dkim and not self.were_right:
            session.execute(delete(Alarm).where(Alarm.kind == AlarmKind.SIGNING, Alarm.name == signing.HOST))
        self.were_right = not others
        return self.were_right


def _other_key(session: Session, names: Sequence[str], now: datetime) -> None:
    """Raise this host's alarm at once; notify the owner once a day."""
    alarm = _row(session, AlarmKind.SIGNING, signing.HOST, now, None)
    if not alarm.is_current(now):
        alarm.since = now
    alarm.reply, alarm.last_at = ", ".join(names)[:500], now
    tell_owners(
        session, now, key=f"signing:{now:%Y%m%d}:{signing.HOST}"[:100],
        title=joined((signing.HOST, said(_OTHER_KEY.title)), ": "),
        lines=[said("Its key for %(names)s is not the one that mail was signed with first: what it signs would fail at "
                    "receivers.", names=alarm.reply), said(_OTHER_KEY.action)],
        button=said("Look at it"), path="/owner/sending",
    )  # fmt: skip


def forget_mentions(session: Session, address: str) -> None:
    """Remove an erased address from the servers' replies."""
    for alarm in session.scalars(select(Alarm).where(Alarm.reply.icontains(address, autoescape=True))):
        alarm.reply = without(address, alarm.reply)


def advice(trouble: Trouble) -> Advice:
    """What is wrong, and what to do."""
    return _ADVICE[trouble]


def advice_on(alarm: Alarm) -> Advice | None:
    """The advice on an alarm; None: the page has its own text for it."""
    if alarm.kind is AlarmKind.SIGNING:
        return _OTHER_KEY
    return advice(alarm.trouble) if alarm.trouble else None


def _row(session: Session, kind: AlarmKind, name: str, now: datetime, trouble: Trouble | None) -> Alarm:
    """An alarm's row, locked; insert it if there is none."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"kind": kind, "name": name, "trouble": trouble, "count": 0, "reply": "", "since": now, "last_at": now}
    session.execute(dialect.insert(Alarm).values(**values).on_conflict_do_nothing())
    return session.scalars(select(Alarm).where(Alarm.kind == kind, Alarm.name == name).with_for_update()).one()


_OTHER_KEY = Advice(
    marked("this host has another DKIM key, and sends nothing"),
    marked(
        "Mail goes out by the hosts that have the right one; without such a host it waits. Copy the key file from "
        "there, and start this one again. Or, if this key is the right one and its record is published, run "
        "“newsletter dkim adopt” on it."
    ),
)
_ADVICE = {
    Trouble.RATE: Advice(
        marked("the relay asks for fewer mails at a time"),
        marked(
            "Nothing to do: the rest goes out at the pace it allows. `newsletter limit` can set that pace beforehand."
        ),
    ),
    Trouble.CONNECTIONS: Advice(
        marked("the relay allows no more connections"),
        marked("Nothing to do: fewer are used from now on. If it never ends, set ?connections=2 in SMTP_URL."),
    ),
    Trouble.BUSY: Advice(
        marked("the relay takes no mail just now"),
        marked("Nothing to do: it is asked again, soon and then less often."),
    ),
    Trouble.STORAGE: Advice(
        marked("the relay's disk is full"),
        marked("Whoever runs the relay should make room; it is asked again all the time."),
    ),
    Trouble.QUOTA: Advice(
        marked("the account's quota is used up"),
        marked("The rest goes out when your provider counts anew. If that is too late, ask them for a larger quota."),
    ),
    Trouble.SENDER: Advice(
        marked("the account may not send from our sender's address"),
        marked(
            "Verify the sender's address or domain with your provider, or set RETURN_PATH to an address that the "
            "account owns, and start again."
        ),
    ),
    Trouble.LOGIN: Advice(
        marked("the relay does not accept the user name and password"),
        marked("Look at both in SMTP_URL (special characters are percent-encoded), and start again."),
    ),
    Trouble.ACCOUNT: Advice(
        marked("the account is suspended, locked or not activated"),
        marked("Sign in at your provider's: they say there why, and what they want from you."),
    ),
    Trouble.REFUSED: Advice(
        marked("the relay refuses everything from here"),
        marked("Look at what it said. It may not know this server's address, or want a login: see SMTP_URL."),
    ),
    Trouble.TLS: Advice(
        marked("no safe connection to the relay can be made"),
        marked(
            "Its certificate is not valid for the name in SMTP_URL, or has run out. Use the name your provider gives."
        ),
    ),
    Trouble.UNREACHABLE: Advice(
        marked("the relay cannot be reached"),
        marked(
            "Look at its name and port in SMTP_URL, and whether your host lets mail out; it is tried again all the "
            "time."
        ),
    ),
}
