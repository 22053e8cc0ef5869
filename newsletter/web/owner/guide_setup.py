"""Setup of a guide in five steps, ticked automatically, with a test mail."""

from typing import Any

from flask import render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import guides
from newsletter.accounts import AuditEntry
from newsletter.forms import Form
from newsletter.guides import BadGuide, Guide, Inspection, inspect
from newsletter.languages import marked
from newsletter.mail import ledger
from newsletter.preflight.spam import Scores
from newsletter.sequences import Sequence
from newsletter.subscribers import Stream
from newsletter.web.landing import written
from newsletter.web.language import _, in_words, ngettext
from newsletter.web.owner import spam
from newsletter.web.owner.display import size
from newsletter.web.owner.door import asked_id, back, door, note, one_or_404, owner_in
from newsletter.web.owner.first_steps import FirstStep
from newsletter.web.owner.guides import with_earlier
from newsletter.web.state import now, reading, runtime, state, transaction

HEAVY = 5_000_000
"""Octets above which a PDF opens slowly on phones."""


@door.get("/guides/<row:id>/set-up", endpoint="guide_setup")
def show(id: int) -> str:
    """Show its steps and progress."""
    with reading() as session:
        guide = one_or_404(session, Guide, id)
        problem, found = "", None
        try:
            found = inspect(guide.file(runtime().guides))
        except BadGuide as error:
            problem = in_words(error)
        return render_template(
            "owner/guide_setup.html", guide=guide, steps=_steps(session, guide, found), problem=problem, found=found,
            earlier=with_earlier(session, guide),
            is_heavy=found is not None and found.size > HEAVY,
            tested=session.scalar(select(AuditEntry.id).where(*_tests_of(guide)).limit(1)) is not None,
            number=now().timestamp(), spam=spam.shown(session, Scores.GUIDE, id),
        )  # fmt: skip


def _tests_of(guide: Guide) -> tuple[Any, ...]:
    return AuditEntry.action == "guide's mail tried", AuditEntry.detail == guide.slug


def _steps(session: Session, guide: Guide, found: Inspection | None) -> list[FirstStep]:
    form = session.scalars(select(Form).where(Form.guide_slug == guide.slug).order_by(Form.id)).first()
    series = session.scalars(select(Sequence).where(Sequence.guide_slug == guide.slug).order_by(Sequence.id)).first()
    articles = len(series.current_steps) if series else 0
    its_words = url_for("owner.guides", set_up=guide.id, _anchor=f"guide-{guide.id}")
    return [
        FirstStep(done=found is not None, title=_("The PDF"), what=_pdf(found),
                  url=url_for("owner.guide_replace_ask", id=guide.id, set_up=guide.id)),
        FirstStep(done=guide.box != guides.BOX, title=_("Its box"),
                  what=_("The sentence of its box says what readers get out of it. Words of its own below the "
                         "button, tags and more fields: make a form for it."),
                  url=url_for("owner.form", id=form.id, set_up=guide.id) if form else its_words),
        FirstStep(done=guide.landing is not None or written(guide.slug) is not None, title=_("Its page"),
                  what=_("Outcomes, sample pages, who wrote it, questions and answers."),
                  url=url_for("owner.guide_landing", id=guide.id, set_up=guide.id)),
        FirstStep(done=bool(guide.begin or guide.question), title=_("Its mail"),
                  what=_("Which page to read first, one question to answer by reply, and whether the PDF is attached."),
                  url=its_words),
        FirstStep(done=bool(series and series.live and articles), title=_("Its series"),
                  what=ngettext("%(num)s article follows the guide; it goes out while the series is on.",
                                "%(num)s articles follow the guide; they go out while the series is on.", articles),
                  url=url_for("owner.series", id=series.id, set_up=guide.id) if series
                  else url_for("owner.all_series")),
    ]  # fmt: skip


def _pdf(found: Inspection | None) -> str:
    if found is None:
        return _("It is missing or not whole. Send it again.")
    return ngettext("%(num)s page, %(size)s.", "%(num)s pages, %(size)s.", found.pages, size=size(found.size))


@door.post("/guides/<row:id>/test", endpoint="guide_test")
def test(id: int) -> Any:
    """Mail it to the owner as readers would get it; a number in the form makes a double click send one."""
    with transaction() as session:
        guide, owner = one_or_404(session, Guide, id), owner_in(session)
        if not guide.pages(runtime().guides):
            return back("guide_setup", _("Send the PDF again first: it is missing or not whole."), "danger", id=id)
        key = f"guide-test:{guide.id}:{asked_id('number', request.form) or 1}"
        _mail, is_new = ledger.queue(
            session, owner, Stream.TEST, key, now(), context={"guide": guide.told(runtime().guides), "series": True}
        )
        if is_new:
            note(session, marked("guide's mail tried"), guide.slug)
        told = (
            _("Its mail is on its way to %(address)s.", address=owner.email)
            if is_new
            else _("That test is on its way already.")
        )
    state().trigger.wake()
    return back("guide_setup", told, id=id)
