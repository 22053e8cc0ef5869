"""What counts as an example: what came with the product, and nobody has made their own or got anything of."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter import accounts, articles, brand, drafts, examples, forms, sequences
from newsletter.accounts import Owner
from newsletter.approval import Approval
from newsletter.articles import Article, Revision
from newsletter.campaigns import Campaign
from newsletter.content import read
from newsletter.drafts import Place
from newsletter.examples import Kind, Stays
from newsletter.forms import Form, Gives
from newsletter.guides import Guide, GuideRequest
from newsletter.mail import ledger
from newsletter.runtime import Runtime
from newsletter.sequences import Delay, Sequence
from newsletter.settings import ROOT
from newsletter.subscribers import Stream, Subscriber, Subscription
from newsletter.subscribers.segments import Group, How, Rules, save
from newsletter.subscribers.segments.rules import AtStep, Clicked, TakesTopic
from newsletter.topics import Topic
from tests.conftest import NOON
from tests.examples.conftest import Standing

WEAK, GOLF = "find-the-weak-link", "why-building-resilience-with-resistance-training-will-improve-your-golf"
PAIN = "recover-from-pain"


def _article(session: Session, slug: str = WEAK) -> Article:
    return session.scalars(select(Article).where(Article.slug == slug)).one()


def _series(session: Session) -> Sequence:
    return session.scalars(select(Sequence).where(Sequence.slug == PAIN)).one()


def _draft(session: Session) -> Campaign:
    return session.scalars(select(Campaign)).one()


def _guide(session: Session) -> Guide:
    return session.scalars(select(Guide).where(Guide.slug == PAIN)).one()


def _owner(session: Session) -> Owner:
    return accounts.create(session, "paula@example.org", "a long enough password", NOON)


def _noted(action: str, detail: str) -> Callable[[Session], object]:
    return lambda session: accounts.note(session, None, NOON, action, detail.format(id=_article(session).id))


def _reworded(slug: str) -> Callable[[Session], object]:
    return lambda session: _article(session, slug).revise(NOON, subject="Mine", preheader="", body="Mine.")


def _typing(session: Session) -> None:
    place = Place(_owner(session).id, "s" * 22, _article(session).id)
    drafts.keep(session, place, {"title": "Mine", "body": "half a th"}, NOON)


def _own_step(session: Session) -> None:
    own = articles.write(session, NOON, title="Mine", subject="Mine", body="Mine.")
    _series(session).publish(session, own, Delay.parse("1 day"))


def _brought(session: Session) -> None:
    form = forms.standard("mine", "Mine", NOON)
    form.gives, form.guide_slug, form.sequence_id = Gives.NEWSLETTER, None, _series(session).id
    session.add(form)


def _asked(rule: Callable[[Session], Any]) -> Callable[[Session], object]:
    return lambda session: save(session, "Mine", Rules(Group(How.ALL, (rule(session),))), NOON)


def _joined(session: Session) -> None:
    jane = session.scalars(select(Subscriber)).one()
    started = sequences.enroll(session, jane, _series(session), "Europe/London", NOON)
    assert started is not None
    sequences.stop(session, jane, NOON, ledger.Reason.SERIES_OFF)  # who was in it counts as who is


def _tested(session: Session) -> None:
    ledger.queue(session, _owner(session), Stream.TEST, "test:1", NOON, revision=_article(session).current)


def _approval(session: Session) -> None:
    draft = _draft(session)
    session.add(Approval(campaign_id=draft.id, asked_by_id=_owner(session).id, asked_at=NOON, fingerprint="x",
                         revision_id=draft.revision.id))  # fmt: skip


def _scheduled(session: Session) -> None:
    _draft(session).schedule(NOON + timedelta(days=1), brand.current(session))
    _draft(session).unschedule()


def _requested(session: Session) -> None:
    jane = session.scalars(select(Subscriber)).one()
    session.add(GuideRequest(subscriber_id=jane.id, guide=_guide(session), requested_at=NOON))


def _second_form(session: Session) -> None:
    made = forms.standard(PAIN, "Mine", NOON)
    made.slug = "mine"
    session.add(made)


def _seen(session: Session) -> None:
    form = session.scalars(select(Form).where(Form.slug == PAIN)).one()
    forms.note_sighting(session, form.id, "https://blog.example.org", NOON)


def _topic(session: Session) -> int:
    return session.scalars(select(Topic.id).where(Topic.name == "Training")).one()


def _chosen(session: Session) -> None:
    session.add(Subscription(subscriber_id=session.scalars(select(Subscriber.id)).one(), topic_id=_topic(session)))


def _own_article(session: Session) -> None:
    articles.write(session, NOON, title="Mine", subject="Mine", body="Mine.", topic=session.get(Topic, _topic(session)))


ACTS: dict[str, tuple[Callable[[Session], object], Mapping[Kind, Stays]]] = {
    "other words": (_reworded(WEAK), {Kind.ARTICLE: Stays.CHANGED, Kind.SERIES: Stays.CHANGED}),
    "another title": (
        _noted("article saved", "{id} revision 1 Mine"), {Kind.ARTICLE: Stays.CHANGED, Kind.SERIES: Stays.CHANGED}),
    "words that wait": (_typing, {Kind.ARTICLE: Stays.UNSAVED, Kind.SERIES: Stays.CHANGED}),
    "a step of one's own": (_own_step, {Kind.ARTICLE: Stays.IN_SERIES, Kind.SERIES: Stays.CHANGED}),
    "another delay": (_noted("step delay", f"{PAIN}: Mine 3 days"), {Kind.SERIES: Stays.CHANGED}),
    "a form that brings it": (_brought, {Kind.SERIES: Stays.IN_FORM}),
    "a segment of a step": (
        _asked(lambda it: AtStep(_series(it).steps[0].id)), {Kind.SERIES: Stays.IN_SEGMENT}),
    "somebody was in it": (_joined, {Kind.ARTICLE: Stays.IN_SERIES, Kind.SERIES: Stays.STARTED}),
    "a test": (_tested, {Kind.ARTICLE: Stays.TRIED}),
    "the draft's words": (_reworded(GOLF), {Kind.CAMPAIGN: Stays.CHANGED}),
    "its audience": (lambda it: setattr(_draft(it), "segment_tag", "golf"), {Kind.CAMPAIGN: Stays.CHANGED}),
    "its time": (_scheduled, {Kind.CAMPAIGN: Stays.PLANNED}),
    "its approval": (_approval, {Kind.CAMPAIGN: Stays.PLANNED}),
    "a segment of a campaign": (_asked(lambda it: Clicked(_draft(it).id)), {Kind.CAMPAIGN: Stays.IN_SEGMENT}),
    "asked for": (_requested, {Kind.GUIDE: Stays.ASKED}),
    "a box of one's own": (_noted("guide saved", f"{PAIN}, attached: no"), {Kind.GUIDE: Stays.CHANGED}),
    "a form of one's own": (_second_form, {Kind.GUIDE: Stays.IN_FORM}),
    "on a site": (_seen, {Kind.GUIDE: Stays.ON_SITE}),
    "a chosen topic": (_chosen, {Kind.TOPIC: Stays.CHOSEN}),
    "an article about it": (_own_article, {Kind.TOPIC: Stays.USED}),
    "a segment of a topic": (_asked(lambda it: TakesTopic(_topic(it))), {Kind.TOPIC: Stays.IN_SEGMENT}),
}  # fmt: skip


def test_all_that_is_planted_can_go(standing: Callable[[], Standing]) -> None:
    found = standing()
    assert set(found.values()) == {None}
    kinds = [kind for kind, _ in found]
    assert {kind: kinds.count(kind) for kind in Kind} == {
        Kind.ARTICLE: 19, Kind.CAMPAIGN: 1, Kind.SERIES: 2, Kind.TOPIC: 2, Kind.GUIDE: 2
    }  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
def test_what_an_owner_or_a_reader_has_done_with_one_keeps_it(
    name: str, standing: Callable[[], Standing], runtime: Runtime, person: Callable[..., int]
) -> None:
    person("jane@example.com")
    act, kept = ACTS[name]
    with runtime.database.transaction() as session:
        act(session)
        names = {Kind.ARTICLE: _article(session).title, Kind.SERIES: _series(session).name, Kind.TOPIC: "Training",
                 Kind.CAMPAIGN: _draft(session).article.title, Kind.GUIDE: _guide(session).title}  # fmt: skip
    found = standing()
    assert {kind: found[kind, names[kind]] for kind in kept} == dict(kept)
    untouched = set(Kind) - kept.keys() - {Kind.ARTICLE, Kind.TOPIC}  # these go by what has them
    assert all(found[kind, names[kind]] is None for kind in untouched)


def test_an_owners_own_edition_of_a_guide_is_theirs(standing: Callable[[], Standing], runtime: Runtime) -> None:
    runtime.guides.own.mkdir(parents=True)
    (runtime.guides.own / f"{PAIN}.pdf").write_bytes((runtime.guides.shipped / f"{PAIN}.pdf").read_bytes())
    found = [why for (kind, _), why in standing().items() if kind is Kind.GUIDE]
    assert found == [Stays.CHANGED, None]


def test_an_article_that_somebody_has_written_under_its_name_is_none(
    standing: Callable[[], Standing], runtime: Runtime
) -> None:
    with runtime.database.transaction() as session:
        id = _article(session, GOLF).id
        session.execute(update(Revision).where(Revision.article_id == id).values(author_id=_owner(session).id))
    assert not [one for one in standing() if one[0] is Kind.CAMPAIGN or "golf" in one[1]]


def test_every_slug_that_is_planted_is_known() -> None:
    """A new example has to be named in `newsletter.examples`, or it could not be removed."""
    site = brand.read_site(ROOT / "site.toml")
    files = [*(ROOT / "content" / "series").rglob("*.md"), ROOT / "content" / "welcome.md"]
    assert {read(file)[0]["slug"] for file in files} <= examples.ARTICLES
    assert tuple(one["slug"] for one in site["guides"]) == examples.GUIDES
    assert tuple(one["name"] for one in site["topics"]) == examples.TOPICS
    assert re.sub(r"\s", "", "".join(sorted(examples.ARTICLES))).islower()
