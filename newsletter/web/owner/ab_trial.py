"""A test mail of A, of B, or of both, before an A/B test begins."""

from collections.abc import Iterator

from flask import abort, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import brand
from newsletter.accounts import Permission
from newsletter.articles import Article
from newsletter.campaigns import ABTest, Campaign, Compares, Part, ab_test_of
from newsletter.languages import marked
from newsletter.mail.contents import content
from newsletter.mail.render import BadArticle, Reader
from newsletter.web.language import _, in_words
from newsletter.web.owner.composer import as_sent
from newsletter.web.owner.door import back, door, note, one_or_404, owner_in
from newsletter.web.owner.trials import NotTried, queue_trials, trial_addresses
from newsletter.web.state import runtime, state, transaction

CHOSEN = {"a": (Part.A,), "b": (Part.B,), "both": (Part.A, Part.B)}
Words = tuple[str, str]


@door.post("/campaigns/<row:id>/try", endpoint="campaign_try")
def try_(id: int) -> Response:
    """Mail what was chosen to some addresses; once, for a double click carries one number."""
    parts = CHOSEN.get(request.form.get("part", ""))
    with transaction() as session:
        test, owner = ab_test_of(session, one_or_404(session, Campaign, id)), owner_in(session)
        if test is None or parts is None:
            abort(404, _("There is no such test."))
        try:
            to = trial_addresses(session, owner, request.form.get("to", ""))
            if to != [owner.email] and not owner.may(Permission.SEND):
                raise NotTried(_("Your role sends tests to your own address only. Nothing was sent."))
            tried = list(_tried(session, test, parts))
        except (BadArticle, NotTried) as error:
            return back("campaign", in_words(error), "danger", id=id)
        fresh = [
            one for article, words in tried
            for one in queue_trials(session, owner, article, to, 0, as_sent(session, article)[1], words)
        ]  # fmt: skip
        if fresh:
            note(session, marked("test sent"), f"campaign {id}, {request.form['part']}, to {', '.join(to)}")
        told = _("A test is on its way to %(fresh)s.", fresh=", ".join(to)) if fresh else ""
    state().trigger.wake()
    return back("campaign", told or _("That test is on its way already."), id=id)


def _tried(session: Session, test: ABTest, parts: tuple[Part, ...]) -> Iterator[tuple[Article, Words]]:
    """The article of each part, with the subject and the preheader that are not its own. Raises BadArticle."""
    for part in parts:
        one = test.a if part is Part.A else test.b
        own = part is Part.B and test.compares is Compares.SUBJECT
        subject, preheader, body = test.words_b if part is Part.B else _words(one)
        words = content(session, subject, preheader, body)
        stream, context = as_sent(session, one.article)
        runtime().renderer.rendered(stream, brand.current(session), Reader(0), words, context)
        yield one.article, (subject, preheader) if own else ("", "")


def _words(campaign: Campaign) -> tuple[str, str, str]:
    return campaign.revision.subject, campaign.revision.preheader, campaign.revision.body
