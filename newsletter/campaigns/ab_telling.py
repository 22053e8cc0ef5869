"""An A/B test in sentences, for the owner's pages, notices and commands."""

from newsletter.campaigns.ab_test import ABTest, Decided, IfClose, Judge, Waits
from newsletter.campaigns.campaign import Part
from newsletter.campaigns.proportions import LEAST, Proportion

WAITS = {
    Waits.HAND: "Its time is over: choose what goes to the rest.",
    Waits.CLOSE: "Its time is over, and the clicks are too few to tell A and B apart. Choose what goes to the rest.",
    Waits.UNCOUNTED: "Clicks are not counted, or were not from the launch on, so they do not say what won. Choose it.",
    Waits.ENDED: "A or B was cancelled, so there is nothing to compare. Choose what goes to the rest, or stop it.",
    Waits.UNFIT: "What won could not be scheduled: bulk mail must carry your postal address (Settings). Then choose.",
    Waits.LET_BE: "You let it be when sending was unlocked. Choose what goes to the rest, or stop the test.",
}
"""Why it waits, and what to do."""
DECIDED = {
    Decided.CLICKS: "by the clicks",
    Decided.HAND: "by you",
    Decided.IF_CLOSE: "as you had said for the case that the clicks are too few to tell",
}


def named(part: Part | None) -> str:
    """A part as the pages call it."""
    return "The rest" if part is Part.REST else part.value.upper() if part else ""


def span(hours: int) -> str:
    """So many hours, as one would say it."""
    if hours % 24 == 0 and hours > 24:
        return f"{hours // 24} days"
    return "1 hour" if hours == 1 else f"{hours} hours"


def plan(test: ABTest) -> str:
    """What it will do, said before it begins."""
    drawn = f"{test.share}% of the audience is drawn by lot: half of them get A, half B."
    when = f"{span(test.hours)} after both have gone out"
    if test.judge is Judge.HAND:
        return f"{drawn} {when} you are asked what goes to all others, and nothing goes there before you press."
    if_close = "A goes" if test.if_close is IfClose.A else "it waits for your press"
    return (
        f"{drawn} {when} the one in which clearly more people followed a link goes to all others. If that is too close "
        f"to tell, {if_close}."
    )


def verdict(a: Proportion, b: Proportion) -> str:
    """What the numbers tell, and how surely."""
    if a.part + b.part < LEAST:
        return f"Too few to tell: fewer than {LEAST} people have followed a link."
    ahead, behind, name = (a, b, "A") if a.is_surely_more(b) else (b, a, "B")
    difference = ahead.above(behind)
    if ahead.is_surely_more(behind):
        return (
            f"{name} is ahead by more than chance explains: by {_points(difference.low)} to {_points(difference.high)} "
            "percentage points."
        )
    return (
        f"Too few to tell: B may be anything from {_points(difference.low, signed=True)} to "
        f"{_points(difference.high, signed=True)} percentage points from A, and that includes no difference at all."
    )


def _points(share: float, signed: bool = False) -> str:
    return f"{100 * share:+.1f}".replace("-", "−") if signed else f"{100 * share:.1f}"
