"""Limits on the page of sending, like `newsletter limit`, in plain words."""

from itertools import groupby
from typing import Any

from flask import render_template, request
from sqlalchemy.orm import Session
from wtforms import SelectChoice, SelectField, StringField

from newsletter import characters
from newsletter.languages import marked
from newsletter.throttle.rules import (
    EVERY_DOMAIN,
    WARM_UP,
    BadRule,
    Rate,
    Rule,
    Scope,
    domain_named,
    listed,
    put,
    remove,
    schedule_of,
    warm_up,
)
from newsletter.web.language import _, lazy
from newsletter.web.owner import sending_words as words
from newsletter.web.owner.door import back, door, note
from newsletter.web.owner.sending_shown import relay_names, shown
from newsletter.web.state import now, reading, transaction
from newsletter.web.typed_form import TypedForm

RELAY = "relay "
"""Prefix of a relay's name among the choices."""
SPANS = (
    ("second", lazy("a second")), ("minute", lazy("a minute")), ("hour", lazy("an hour")), ("day", lazy("a day")),
)  # fmt: skip


class LimitForm(TypedForm):
    """A new limit."""

    count = StringField(lazy("At most so many mails"), filters=[characters.line])
    span = SelectField(lazy("in"), choices=[SelectChoice(*one) for one in SPANS], default="hour")
    whom = SelectField(lazy("For"))
    domain = StringField(lazy("The domain"), filters=[characters.line])

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        with reading() as session:
            names = relay_names(session)
        through = ((RELAY + name, _("what goes through %(relay)s", relay=name)) for name in names)
        self.whom.choices = [SelectChoice(*one) for one in (
            ("all", _("everything that is sent")), ("domain", _("what goes to one domain")),
            ("each", _("what goes to each other domain")), *through,
        )]  # fmt: skip

    def target(self) -> tuple[Scope, str]:
        """What it applies to. Raises BadRule."""
        chosen = self.whom.data or ""
        if chosen == "domain":
            return Scope.DOMAIN, domain_named(self.domain.data or "")
        if chosen.startswith(RELAY):
            return Scope.RELAY, chosen.removeprefix(RELAY)
        return (Scope.DOMAIN, EVERY_DOMAIN) if chosen == "each" else (Scope.ALL, "")


class WarmUpForm(TypedForm):
    """The warm-up of a new sender."""

    counts = StringField(lazy("Most mails on each day"), filters=[characters.line])


def page(session: Session, form: LimitForm | None = None, warm: WarmUpForm | None = None) -> Any:
    """The page of sending with what was typed."""
    usual = ", ".join(map(str, WARM_UP))
    html = render_template(
        "owner/sending.html", **shown(session), limits=_groups(session), form=form or LimitForm(formdata=None),
        warm=warm or WarmUpForm(formdata=None, data={"counts": usual}),
    )  # fmt: skip
    return html, 422 if form or warm else 200


def _groups(session: Session) -> list[tuple[Scope, str, list[str]]]:
    """(scope, name, sentences) of each group of limits that is lifted together."""

    def thing(one: Rule) -> tuple[Scope, str]:
        return one.scope, "" if one.scope is Scope.WARMUP else one.name

    rows = sorted(listed(session), key=lambda one: list(Scope).index(one.scope))  # keeps the order within each
    return [
        (scope, name, [words.limit(one.scope, one.name, one.rate) for one in rules])
        for (scope, name), rules in groupby(rows, key=thing)
    ]


@door.post("/sending/limits", endpoint="sending_limit")
def add() -> Any:
    """Set a limit; it replaces one with the same target and span."""
    with transaction() as session:
        form = LimitForm()
        made = _made(session, form) if form.validate() else None
        if made is None:
            return page(session, form)
        note(session, marked("limit of sending set"), f"{made.scope} {made.name} {made.rate}")
        told = _("%(limit)s: that holds from now on.", limit=words.limit(made.scope, made.name, made.rate))
    return back("sending", told, _anchor="limits")


def _made(session: Session, form: LimitForm) -> Rule | None:
    """The rule typed; None if invalid, with errors in the form."""
    try:
        rate = Rate.parse(f"{(form.count.data or '').replace(',', '')}/{form.span.data}")
    except BadRule:
        form.count.errors = [_("Please type a whole number, for example 200.")]
        return None
    try:
        return put(session, *form.target(), rate, now())
    except BadRule:
        form.domain.errors = [_("Please type a domain, for example gmail.com.")]
        return None


@door.post("/sending/warm-up", endpoint="sending_warm_up")
def begin_warm_up() -> Any:
    """Start a warm-up now."""
    with transaction() as session:
        warm = WarmUpForm()
        try:
            counts = schedule_of(warm.counts.data or "")
            warm_up(session, counts, now())
        except BadRule:
            warm.counts.errors = [
                _("Please type a number for each day, none smaller than the one before: 50, 100, 200.")
            ]
            return page(session, warm=warm)
        note(session, marked("warm-up of sending begun"), ",".join(map(str, counts))[:200])
    return back("sending", _("The warm-up has begun: today is its first day."), _anchor="limits")


@door.post("/sending/limits/remove", endpoint="sending_limit_remove")
def lift() -> Any:
    """Lift every limit of one target."""
    scope, name = request.form.get("scope", ""), request.form.get("name", "")
    with transaction() as session:
        known = {(one, name) for one, name, _sentences in _groups(session)}
        if (scope, name) not in known:
            return back("sending", _("There is no such limit any more."), "info", _anchor="limits")
        remove(session, Scope(scope), now(), None if scope == Scope.WARMUP else name)
        note(session, marked("limit of sending lifted"), f"{scope} {name}")
    return back("sending", _("The limit is lifted."), _anchor="limits")
