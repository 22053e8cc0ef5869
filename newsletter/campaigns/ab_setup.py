"""Sets up an A/B test: checks what is asked for, and makes and changes its two drafts."""

from dataclasses import dataclass
from datetime import datetime
from secrets import randbits

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from newsletter import characters
from newsletter.articles import LONGEST_LINE, Article, Revision, write
from newsletter.brand import Brand
from newsletter.campaigns.ab_lot import even_out
from newsletter.campaigns.ab_test import (
    LEAST_HOURS,
    LEAST_SHARE,
    MOST_HOURS,
    MOST_SHARE,
    ABTest,
    Compares,
    IfClose,
    Judge,
)
from newsletter.campaigns.campaign import Campaign, CampaignState, NotNow, Part
from newsletter.languages import marked, said

UNCOUNTED = marked(
    "Clicks are not counted, so they cannot say what wins. Count them (Settings, Clicks, and on the article's page), "
    "or choose by hand."
)


@dataclass(frozen=True, slots=True)
class Wish:
    """The test an owner asks for."""

    compares: Compares
    share: int | None
    """Percent."""
    hours: int | None
    judge: Judge
    if_close: IfClose
    subject: str = ""
    preheader: str = ""
    article: Article | None = None
    """The other article, if articles are compared."""


class BadTest(ValueError):
    """A test cannot be made like this. `errors`: what is wrong and what to do, by field of the wish."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


def counts_clicks(brand: Brand, *articles: Article) -> bool:
    """Whether clicks are counted in mails with these articles."""
    return brand.counts_clicks and all(one.counts_clicks for one in articles)


def insist(brand: Brand, article: Article, wish: Wish) -> None:
    """Raise BadTest, with all that is wrong, if this is no valid test with this article as A."""
    errors: dict[str, str] = {}
    if wish.share is None or not LEAST_SHARE <= wish.share <= MOST_SHARE:
        errors["share"] = said(
            "Give a share from %(least)s to %(most)s percent. Half of these people get A and half B; the others are "
            "left for what wins.",
            least=LEAST_SHARE,
            most=MOST_SHARE,
        )
    if wish.hours is None or not LEAST_HOURS <= wish.hours <= MOST_HOURS:
        errors["hours"] = said(
            "Give a time from %(least)s hour to %(most)s days.", least=LEAST_HOURS, most=MOST_HOURS // 24
        )
    if problem := _same(article, wish):
        errors[wish.compares.value] = problem
    other = wish.article if wish.compares is Compares.ARTICLE and wish.article else article
    if wish.judge is Judge.CLICKS and not counts_clicks(brand, article, other):
        errors["judge"] = UNCOUNTED
    if errors:
        raise BadTest(errors)


def _same(article: Article, wish: Wish) -> str:
    """Why A and B are not different; "" if they are."""
    words = article.current
    if wish.compares is Compares.SUBJECT:
        subject = characters.line(wish.subject)
        if not subject:
            return said("Write the other subject.")
        if max(len(subject), len(characters.line(wish.preheader))) > LONGEST_LINE:
            return said("A subject and a preheader have %(most)s characters at most.", most=LONGEST_LINE)
        if _folded(subject, wish.preheader or words.preheader) == _folded(words.subject, words.preheader):
            return said(
                "That is the subject of A. Write another, or another preheader: otherwise both are the same mail."
            )
        return ""
    if wish.article is None:
        return said("Choose the other article.")
    if wish.article is article or _text(wish.article.current) == _text(words):
        return said("A and B are the same. Choose another article.")
    if wish.article.topic_id != article.topic_id:
        return said("Both must be about the same topic, or about none: otherwise they would go to different readers.")
    return ""


def _text(revision: Revision) -> tuple[str, str, str]:
    return revision.subject, revision.preheader, revision.body


def _folded(*lines: str) -> tuple[str, ...]:
    return tuple(characters.line(one).casefold() for one in lines)


def ab_test_of(session: Session, campaign: Campaign, lock: bool = False) -> ABTest | None:
    """The test that a campaign is part of, if any. `lock`: lock and reread it."""
    if campaign.part is None:
        return None
    ours = or_(ABTest.a_id == campaign.id, ABTest.b_id == campaign.id, ABTest.rest_id == campaign.id)
    look = select(ABTest).where(ours)
    if lock:
        look = look.with_for_update(of=ABTest).execution_options(populate_existing=True)
    return session.scalars(look).first()


def make_ab_test(session: Session, a: Campaign, wish: Wish, brand: Brand, now: datetime) -> ABTest:
    """Make a draft the A of a new test, with a new draft as its B. Raises BadTest, and NotNow if it is no draft."""
    if a.stored_state is not CampaignState.DRAFT or a.part is not None:
        raise NotNow(said("Only a draft can be tested."))
    insist(brand, a.article, wish)
    b = Campaign(article=a.article, zone=a.zone, created_at=now)
    b.to_the_same(a)
    session.add_all([a, b])
    session.flush()
    test = ABTest(
        a=a, b=b, lot=randbits(62), created_at=now, compares=wish.compares, share=wish.share or 0,
        hours=wish.hours or 0, judge=wish.judge, if_close=wish.if_close,
    )  # fmt: skip
    session.add(test)
    _set(test, wish)
    even_out(session, test, now)
    session.flush()
    return test


def change_ab_test(session: Session, test: ABTest, wish: Wish, brand: Brand) -> None:
    """Change a test that has not begun. Raises BadTest and NotNow."""
    _insist_not_begun(test)
    insist(brand, test.a.article, wish)
    _set(test, wish)
    even_out(session, test, test.created_at)
    session.flush()


def _set(test: ABTest, wish: Wish) -> None:
    is_subject = wish.compares is Compares.SUBJECT
    test.compares, test.share, test.hours = wish.compares, wish.share or 0, wish.hours or 0
    test.judge, test.if_close = wish.judge, wish.if_close
    test.subject = characters.line(wish.subject) if is_subject else ""
    test.preheader = characters.line(wish.preheader) if is_subject else ""
    # B of a subject test shares A's article until launch, so that edits apply to both.
    test.b.article = test.a.article if is_subject or wish.article is None else wish.article
    for one, part in ((test.a, Part.A), (test.b, Part.B)):
        one.part, one.lot, one.share = part, test.lot, test.share


def withdraw_ab_test(session: Session, test: ABTest, now: datetime) -> Campaign:
    """Withdraw a test: A goes to everybody, as it is drafted or scheduled. Raises NotNow."""
    _insist_not_begun(test)
    a, b = test.both
    a.part = a.lot = a.share = None
    b.part = b.lot = b.share = None
    b.cancel(session, now)
    session.delete(test)
    session.flush()
    return a


def _insist_not_begun(test: ABTest) -> None:
    if test.has_begun or test.stopped_at is not None:
        raise NotNow(said("The test has begun already; it can be stopped, but it stays what it is."))


def write_b(session: Session, campaign: Campaign, now: datetime) -> None:
    """When B of a subject test is launched, give it its own article: A's present text with B's subject."""
    test = ab_test_of(session, campaign) if campaign.part is Part.B else None
    if test is None or test.compares is not Compares.SUBJECT:
        return
    text, (subject, preheader) = test.a.article, (test.subject, test.preheader or test.a.article.current.preheader)
    campaign.article = write(
        session, now, title=f"{text.title[:190]} (B)", subject=subject, preheader=preheader, body=text.current.body,
        topic=text.topic, by=text.current.author_id,
    )  # fmt: skip
    campaign.article.counts_clicks = text.counts_clicks


def of_the_same_mailing(session: Session, articles: set[int]) -> set[int]:
    """The articles of all tests that compared one of these."""
    compared = or_(ABTest.a_id == Campaign.id, ABTest.b_id == Campaign.id)
    pairs = select(Campaign.article_id, ABTest.id).join(ABTest, compared)
    tests = {test for _, test in session.execute(pairs.where(Campaign.article_id.in_(articles)))}
    return set(session.scalars(select(pairs.where(ABTest.id.in_(tests)).subquery().c.article_id)))
