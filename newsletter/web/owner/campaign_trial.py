"""Sends test mails from a campaign's own page; for an A/B test, of A, B or both.

The button is inside the form that schedules the campaign, so the page comes back with what was typed there.
"""

from collections.abc import Iterator
from typing import Any

from flask import abort, request
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.accounts import Owner, Permission
from newsletter.articles import Article
from newsletter.campaigns import ABTest, Campaign, Compares, Part, ab_test_of
from newsletter.languages import marked
from newsletter.mail.contents import content
from newsletter.mail.render import BadArticle, Reader
from newsletter.subscribers import Subscriber, merged
from newsletter.web.language import _, in_words
from newsletter.web.owner.campaigns import page
from newsletter.web.owner.composer import as_sent
from newsletter.web.owner.display import word
from newsletter.web.owner.door import back, door, note, one_or_404, owner_in, tell
from newsletter.web.owner.scheduling import ScheduleForm
from newsletter.web.owner.trials import NotTried, queue_trials, trial_addresses, trial_reader
from newsletter.web.state import runtime, state, transaction

CHOSEN = {"a": (Part.A,), "b": (Part.B,), "both": (Part.A, Part.B)}
Words = tuple[str, str, str]


@door.post("/campaigns/<row:id>/try", endpoint="campaign_try")
def try_(id: int) -> Any:
    """Mail the chosen parts to some addresses; a number in the form makes a double click send one."""
    with transaction() as session:
        campaign = one_or_404(session, Campaign, id, lock=True)
        if not campaign.is_new:
            return back("campaign", _("It is %(state)s already.", state=word(campaign.state)), "info", id=id)
        try:
            told, is_sent = _sent(session, campaign, owner_in(session)), True
        except (BadArticle, NotTried) as error:
            told, is_sent = in_words(error), False
        tell(told, "success" if is_sent else "danger")
        answer = (page(session, campaign, ScheduleForm()), 200 if is_sent else 422) if "when" in request.form else None
    state().trigger.wake()
    return answer or back("campaign", id=id)


def _sent(session: Session, campaign: Campaign, owner: Owner) -> str:
    """Queue the requested tests; return the message for the owner. Raises BadArticle, NotTried."""
    test, part = ab_test_of(session, campaign), request.form.get("part", "")
    if (part or campaign.is_tested) and (test is None or part not in CHOSEN):
        abort(404, _("There is no such test."))
    to = trial_addresses(session, owner, request.form.get("to", ""))
    if to != [owner.email] and not owner.may(Permission.SEND):
        raise NotTried(_("Your role sends tests to your own address only. Nothing was sent."))
    reader = trial_reader(session, request.form.get("like", ""))
    parts = CHOSEN.get(part, ())
    tried = list(_parts(test, parts)) if test and parts else [(campaign.article, _words(campaign), ("", ""))]
    for article, words, _own in tried:
        _insist(session, article, words, reader)
    fresh = [
        one for article, _all, own in tried
        for one in queue_trials(session, owner, article, to, reader.id if reader else 0,
                                as_sent(session, article)[1], own)
    ]  # fmt: skip
    if not fresh:
        return _("That test is on its way already.")
    note(session, marked("test sent"), f"campaign {campaign.id}{part and f', {part},'} to {', '.join(to)}")
    return _("A test is on its way to %(fresh)s.", fresh=", ".join(to))


def _parts(test: ABTest, parts: tuple[Part, ...]) -> Iterator[tuple[Article, Words, tuple[str, str]]]:
    """(article, words, (subject, preheader) if they are B's own instead of the article's) of each part."""
    for part in parts:
        one = test.a if part is Part.A else test.b
        words = test.words_b if part is Part.B else _words(one)
        is_own = part is Part.B and test.compares is Compares.SUBJECT
        yield one.article, words, words[:2] if is_own else ("", "")


def _words(campaign: Campaign) -> Words:
    return campaign.revision.subject, campaign.revision.preheader, campaign.revision.body


def _insist(session: Session, article: Article, words: Words, reader: Subscriber | None) -> None:
    """Raise BadArticle if the mail cannot be built, before anything is queued."""
    stream, context = as_sent(session, article)
    of_these, renderer = content(session, *words), runtime().renderer
    nobody = Reader(0, merged(session, reader, renderer.own_fields(of_these)))
    house = brand.current(session).speaking(reader.language if reader else None, renderer.languages)
    renderer.rendered(stream, house, nobody, of_these, context)
