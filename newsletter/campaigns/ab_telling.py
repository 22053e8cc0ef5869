"""Describes an A/B test in sentences, for the owner's pages, notices and commands."""

from newsletter.campaigns.ab_test import ABTest, Decided, IfClose, Judge, Waits
from newsletter.campaigns.campaign import Part
from newsletter.campaigns.proportions import LEAST, Proportion
from newsletter.languages import counted, joined, marked, said

WAITS = {
    Waits.HAND: marked("Its time is over: choose what goes to the rest."),
    Waits.CLOSE: marked(
        "Its time is over, and the clicks are too few to tell A and B apart. Choose what goes to the rest."
    ),
    Waits.UNCOUNTED: marked(
        "Clicks are not counted, or were not from the launch on, so they do not say what won. Choose it."
    ),
    Waits.ENDED: marked(
        "A or B was cancelled, so there is nothing to compare. Choose what goes to the rest, or stop it."
    ),
    Waits.UNFIT: marked(
        "What won could not be scheduled: bulk mail must carry your postal address (Settings). Then choose."
    ),
    Waits.LET_BE: marked("You let it be when sending was unlocked. Choose what goes to the rest, or stop the test."),
}
"""Why a test waits, and what to do."""
DECIDED = {
    Decided.CLICKS: marked("by the clicks"),
    Decided.HAND: marked("by you"),
    Decided.IF_CLOSE: marked("as you had said for the case that the clicks are too few to tell"),
}


def named(part: Part | None) -> str:
    """A part's name on the pages."""
    return said("The rest") if part is Part.REST else part.value.upper() if part else ""


def span(hours: int) -> str:
    """A number of hours in words."""
    if hours % 24 == 0 and hours > 24:
        return counted("%(num)s day", "%(num)s days", hours // 24)
    return counted("%(num)s hour", "%(num)s hours", hours)


def plan(test: ABTest) -> str:
    """What a test will do, before it begins."""
    drawn = said("%(share)s%% of the audience is drawn by lot: half of them get A, half B.", share=test.share)
    if test.judge is Judge.HAND:
        asked = said(
            "%(span)s after both have gone out you are asked what goes to all others, and nothing goes there before "
            "you press.", span=span(test.hours),
        )  # fmt: skip
        return joined((drawn, asked))
    best = said(
        "%(span)s after both have gone out the one in which clearly more people followed a link goes to all others.",
        span=span(test.hours),
    )
    to_a = said("If that is too close to tell, A goes.")
    waits = said("If that is too close to tell, it waits for your press.")
    return joined((drawn, best, to_a if test.if_close is IfClose.A else waits))


def verdict(a: Proportion, b: Proportion) -> str:
    """What the numbers show, and how surely."""
    if a.part + b.part < LEAST:
        return said("Too few to tell: fewer than %(least)s people have followed a link.", least=LEAST)
    ahead, behind, name = (a, b, "A") if a.is_surely_more(b) else (b, a, "B")
    difference = ahead.above(behind)
    if ahead.is_surely_more(behind):
        return said(
            "%(part)s is ahead by more than chance explains: by %(low)s to %(high)s percentage points.",
            part=name, low=_points(difference.low), high=_points(difference.high),
        )  # fmt: skip
    return said(
        "Too few to tell: B may be anything from %(low)s to %(high)s percentage points from A, and that includes no "
        "difference at all.",
        low=_points(difference.low, signed=True),
        high=_points(difference.high, signed=True),
    )


def _points(share: float, signed: bool = False) -> str:
    return f"{100 * share:+.1f}".replace("-", "−") if signed else f"{100 * share:.1f}"
