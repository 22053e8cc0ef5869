"""The preflight of an A/B test: A like any campaign, the faults of B, and whether the two can be compared."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.brand import Brand
from newsletter.campaigns import UNCOUNTED, ABTest, Compares, Judge, counts_clicks, needed
from newsletter.languages import Number, marked, said
from newsletter.mail.contents import content, content_of
from newsletter.mail.render import BadArticle, Content, Renderer
from newsletter.mail.render.counted import Counted
from newsletter.mail.render.names import of_brand
from newsletter.preflight.check import Check, Level, Mend, Report
from newsletter.preflight.look import check, check_words

NO_LINK = marked(
    "There is no link in %(parts)s whose clicks are counted, so nobody can follow one. Add one, or choose by hand "
    "what wins."
)


def check_ab_test(session: Session, renderer: Renderer, brand: Brand, test: ABTest, now: datetime) -> Report:
    """The preflight of a test that has not begun."""
    everybody = replace(test.a.audience(now), slice=None)
    words_a, words_b = content_of(session, test.a.revision), content(session, *test.words_b)
    of_a = check(session, renderer, brand, words_a, everybody, test.a.article_id)
    of_b = check_words(session, renderer, brand, words_b)
    return Report((
        *(replace(one, name=said("A: Subject")) if one.name == "Subject" else one for one in of_a.checks),
        *_of_b(test, of_a, of_b),
        *_sizes(session, test, now),
        *_compared(test, words_a, words_b),
        *_clicks(session, renderer, brand, test, {"A": words_a, "B": words_b}),
    ))  # fmt: skip


def _of_b(test: ABTest, of_a: Report, of_b: Report) -> Iterator[Check]:
    """B's subject, and B's faults that A does not share: faults of a common text are reported once."""
    mend = Mend.OTHER_ARTICLE if test.compares is Compares.ARTICLE else Mend.AB_TEST
    told = {one.name for one in of_a.checks if one.level is not Level.GOOD}
    for one in of_b.checks:
        if one.name == "Subject" or (one.level is not Level.GOOD and one.name not in told):
            yield replace(one, name=said("B: %(name)s", name=one.name), mend=mend)


def _sizes(session: Session, test: ABTest, now: datetime) -> Iterator[Check]:
    a, b = (one.audience(now).size(session) for one in test.both)
    if not a or not b:
        told = said(
            "A would go to %(a)s and B to %(b)s: these are too few people for a test. Take a larger share, or send "
            "it without a test.",
            a=Number(a),
            b=Number(b),
        )
        yield Check(said("A/B test"), Level.BLOCK, told, mend=Mend.AB_TEST)
        return
    yield Check(
        said("A/B test"),
        Level.GOOD,
        said("A goes to %(a)s and B to %(b)s people who are drawn by lot.", a=Number(a), b=Number(b)),
        mend=Mend.AB_TEST,
    )
    if test.judge is Judge.CLICKS:
        least = needed(min(a, b))
        told = said("If 5%% of %(people)s follow a link of one, the other needs more than there are: clicks cannot "
                    "tell.",
                    people=Number(min(a, b)))  # fmt: skip
        if least:
            told = said("If 5%% of %(people)s follow a link of one, the other needs %(least)s before that is more than "
                        "chance.", people=Number(min(a, b)), least=Number(least))  # fmt: skip
        yield Check(said("What clicks can tell"), Level.TOLD, told, mend=Mend.AB_TEST)


def _compared(test: ABTest, a: Content, b: Content) -> Iterator[Check]:
    if a.words == b.words:
        yield Check(
            said("A and B"), Level.BLOCK, said("They are the same now. Change the test, or send it without one."),
            mend=Mend.AB_TEST,
        )  # fmt: skip
    elif test.compares is Compares.ARTICLE and test.a.topic_id != test.b.topic_id:
        told = said("They are about different topics, so they would go to different readers. Give both the same topic.")
        yield Check(said("A and B"), Level.BLOCK, told, mend=Mend.OTHER_ARTICLE, at="topic")


def _clicks(session: Session, renderer: Renderer, brand: Brand, test: ABTest,
            words: dict[str, Content]) -> Iterator[Check]:  # fmt: skip
    if test.judge is not Judge.CLICKS:
        return
    if not counts_clicks(brand, test.a.article, test.b.article):
        yield Check(said("Clicks"), Level.BLOCK, said(UNCOUNTED), mend=Mend.AB_TEST)
        return
    without = [name for name, one in words.items() if not _has_link(renderer, brand, one)]
    if without:
        yield Check(
            said("Clicks"), Level.BLOCK, said(NO_LINK, parts=said("A and B") if len(without) > 1 else without[0]),
            mend=Mend.OTHER_ARTICLE if without == ["B"] and words["A"].body != words["B"].body else Mend.TEXT,
        )  # fmt: skip


def _has_link(renderer: Renderer, brand: Brand, words: Content) -> bool:
    try:
        every = renderer.compiled(words).every_destination(of_brand(brand, renderer.site))
    except BadArticle:
        return True  # reported by the check of the text
    counted = Counted(signer=renderer.signer, site=renderer.site, revision=0, message=0)
    return any(map(counted.counts, every))
