"""Rules as a sentence: "has the tag “runners” and joined in the last 30 days, but does not take the newsletter"."""

from collections.abc import Sequence
from datetime import date
from functools import reduce

from newsletter.languages import Day, Number, Sentence, counted, joined, marked, name_of, said
from newsletter.subscribers.merge_field import FieldKind
from newsletter.subscribers.segments import rules as r
from newsletter.subscribers.segments.comparing import Compare
from newsletter.subscribers.segments.named import Named
from newsletter.subscribers.segments.refs import Ref, What
from newsletter.subscribers.subscriber import Status

_STANDS = {
    Status.PENDING: (marked("has not confirmed the address yet"), marked("has confirmed the address, or ended it")),
    Status.CONFIRMED: (marked("is confirmed"), marked("is not confirmed")),
    Status.UNSUBSCRIBED: (marked("has unsubscribed"), marked("has not unsubscribed")),
    Status.BOUNCED: (marked("has an address that bounced"), marked("has no address that bounced")),
    Status.COMPLAINED: (marked("complained"), marked("did not complain")),
}
_STAGES = {
    r.Stage.IN: (marked("is in the series “%(series)s”"), marked("is not in the series “%(series)s”")),
    r.Stage.FINISHED: (
        marked("has finished the series “%(series)s”"), marked("has not finished the series “%(series)s”"),
    ),
    r.Stage.STOPPED: (
        marked("had the series “%(series)s” stopped"), marked("did not have the series “%(series)s” stopped"),
    ),
    r.Stage.NEVER: (
        marked("was never in the series “%(series)s”"), marked("is in the series “%(series)s”, or was"),
    ),
}  # fmt: skip
_COMPARED = {
    Compare.IS: (
        marked("has a field “%(field)s” that is %(value)s"), marked("has a field “%(field)s” that is not %(value)s"),
    ),
    Compare.CONTAINS: (
        marked("has a field “%(field)s” that contains %(value)s"),
        marked("has a field “%(field)s” that does not contain %(value)s"),
    ),
    Compare.MORE: (
        marked("has a field “%(field)s” that is more than %(value)s"),
        marked("has a field “%(field)s” that is unknown or not more than %(value)s"),
    ),
    Compare.LESS: (
        marked("has a field “%(field)s” that is less than %(value)s"),
        marked("has a field “%(field)s” that is unknown or not less than %(value)s"),
    ),
}  # fmt: skip
_DATED = {
    Compare.MORE: (
        marked("has a field “%(field)s” that is after %(value)s"),
        marked("has a field “%(field)s” that is unknown or not after %(value)s"),
    ),
    Compare.LESS: (
        marked("has a field “%(field)s” that is before %(value)s"),
        marked("has a field “%(field)s” that is unknown or not before %(value)s"),
    ),
}
"""A comparison and its negation; `_DATED` for dates."""
Words = tuple[Sentence, Sentence]
"""A rule in words, and its negation."""


def sentence(rules: r.Rules, named: Named) -> Sentence:
    """The predicate after "everybody who"; never empty. `named`: from `named.look_up`."""
    return _said(rules.root, named)


def _said(rule: r.Rule, named: Named) -> Sentence:
    if isinstance(rule, r.Unreadable):
        return said("cannot be told: these rules cannot be read")
    if not isinstance(rule, r.Group):
        return words(rule, named)[0]
    if rule.how is r.How.NONE:
        return _all_of([_opposite(one, named) for one in rule.rules])
    if rule.how is r.How.ANY:
        return _one_of([_inner(one, named, r.How.ANY) for one in rule.rules])
    but = [one for one in rule.rules if isinstance(one, r.Group) and one.how is r.How.NONE]
    first = [_inner(one, named, r.How.ALL) for one in rule.rules if one not in but]
    last = [_said(one, named) for one in but]
    if first and last:
        return said("%(these)s, but %(those)s", these=_all_of(first), those=_all_of(last))
    return _all_of(first or last)


def _all_of(parts: Sequence[Sentence]) -> Sentence:
    return (
        joined(())
        if not parts
        else reduce(lambda one, other: said("%(one)s and %(other)s", one=one, other=other), parts)
    )


def _one_of(parts: Sequence[Sentence]) -> Sentence:
    return reduce(lambda one, other: said("%(one)s or %(other)s", one=one, other=other), parts)


def _inner(rule: r.Rule, named: Named, outer: r.How) -> Sentence:
    """A rule inside a group, in brackets if it would be ambiguous without."""
    inner = _said(rule, named)
    plain = not isinstance(rule, r.Group) or rule.how is outer or (len(rule.rules) == 1 and "(" not in inner)
    return inner if plain else said("(%(rules)s)", rules=inner)


def _opposite(rule: r.Rule, named: Named) -> Sentence:
    if isinstance(rule, r.Group | r.Unreadable):
        return said("is not somebody who (%(rules)s)", rules=_said(rule, named))
    return words(rule, named)[1]


def words(leaf: r.Leaf, named: Named) -> Words:
    """One rule in words, and its negation."""
    match leaf:
        case r.HasStatus(status):
            is_so, is_not = _STANDS[status]
            return said(is_so), said(is_not)
        case r.HasTag(tag):
            return said("has the tag “%(tag)s”", tag=tag), said("does not have the tag “%(tag)s”", tag=tag)
        case r.TakesNewsletter(takes):
            both = said("takes the newsletter"), said("does not take the newsletter")
            return both if takes else both[::-1]
        case r.TakesDigest(takes):
            both = said("takes one mail a week in place of single ones"), said("does not take one mail a week")
            return both if takes else both[::-1]
        case r.TakesTopic(topic):
            name = named.title(Ref(What.TOPIC, topic))
            return (said("takes the newsletter’s articles on “%(topic)s”", topic=name),
                    said("does not take the newsletter’s articles on “%(topic)s”", topic=name))  # fmt: skip
        case r.InZone() | r.ReadsIn():
            return _locale(leaf)
        case r.Called(part):
            return (said("has “%(part)s” in the address or the first name", part=part),
                    said("does not have “%(part)s” in the address or the first name", part=part))  # fmt: skip
        case r.HasField():
            return _field(leaf, named.title(Ref(What.FIELD, leaf.field, leaf.type)))
        case r.JoinedBefore() | r.JoinedAfter() | r.JoinedLately():
            return _joined(leaf)
    return _history(leaf, named)


def _locale(leaf: r.InZone | r.ReadsIn) -> Words:
    if isinstance(leaf, r.ReadsIn):
        name = name_of(leaf.language)
        return said("reads in %(language)s", language=name), said("does not read in %(language)s", language=name)
    return (said("lives in the time zone %(zone)s", zone=leaf.zone),
            said("does not live in the time zone %(zone)s", zone=leaf.zone))  # fmt: skip


def _joined(leaf: r.JoinedBefore | r.JoinedAfter | r.JoinedLately) -> Words:
    match leaf:
        case r.JoinedBefore(day):
            return said("joined before %(day)s", day=Day(day)), said("has not joined before %(day)s", day=Day(day))
        case r.JoinedAfter(day):
            return said("joined after %(day)s", day=Day(day)), said("has not joined after %(day)s", day=Day(day))
        case r.JoinedLately(days):
            return (
                counted("joined in the last day", "joined in the last %(num)s days", days, num=Number(days)),
                counted(
                    "has not joined in the last day", "has not joined in the last %(num)s days", days, num=Number(days)
                ),
            )


def _history(leaf: r.Leaf, named: Named) -> Words:
    match leaf:
        case r.AskedFor(guide):
            name = named.title(Ref(What.GUIDE, guide))
            return (said("asked for the guide “%(guide)s”", guide=name),
                    said("has not asked for the guide “%(guide)s”", guide=name))  # fmt: skip
        case r.Fetched(guide):
            name = named.title(Ref(What.GUIDE, guide))
            return (said("opened the guide “%(guide)s”", guide=name),
                    said("has not opened the guide “%(guide)s”", guide=name))  # fmt: skip
        case r.SignedUpBy(form):
            name = named.title(Ref(What.FORM, form))
            return (said("signed up by the form “%(form)s”", form=name),
                    said("has not signed up by the form “%(form)s”", form=name))  # fmt: skip
        case r.WasSent(campaign):
            which = _campaign(campaign, named)
            return said("was sent %(campaign)s", campaign=which), said("was not sent %(campaign)s", campaign=which)
        case r.SentLately(days):
            return (
                counted("was sent a campaign or a mail of a series in the last day",
                        "was sent a campaign or a mail of a series in the last %(num)s days", days, num=Number(days)),
                counted("was not sent a campaign or a mail of a series in the last day",
                        "was not sent a campaign or a mail of a series in the last %(num)s days", days,
                        num=Number(days)),
            )  # fmt: skip
        case r.InSeries() | r.AtStep():
            return _position(leaf, named)
    return _clicks(leaf, named)


def _position(leaf: r.InSeries | r.AtStep, named: Named) -> Words:
    if isinstance(leaf, r.AtStep):
        step = named.title(Ref(What.STEP, leaf.step))
        return said("gets step %(step)s next", step=step), said("does not get step %(step)s next", step=step)
    series = named.title(Ref(What.SERIES, leaf.series))
    is_so, is_not = _STAGES[leaf.stage]
    return said(is_so, series=series), said(is_not, series=series)


def _clicks(leaf: r.Leaf, named: Named) -> Words:
    match leaf:
        case r.Clicked(campaign):
            which = _campaign(campaign, named)
            return (said("followed a link in %(campaign)s", campaign=which),
                    said("has not followed a link in %(campaign)s", campaign=which))  # fmt: skip
        case r.ClickedNothing(campaign):
            which = _campaign(campaign, named)
            return (said("was sent %(campaign)s and followed no link in it", campaign=which),
                    said("was not sent %(campaign)s, or followed a link in it", campaign=which))  # fmt: skip
        case r.ClickedLately(days):
            return (
                counted("followed a link in one of our mails in the last day",
                        "followed a link in one of our mails in the last %(num)s days", days, num=Number(days)),
                counted("has not followed a link in one of our mails in the last day",
                        "has not followed a link in one of our mails in the last %(num)s days", days, num=Number(days)),
            )  # fmt: skip
    raise TypeError(f"a rule without words: {leaf!r}")


def _campaign(number: int, named: Named) -> Sentence:
    title = named.title(Ref(What.CAMPAIGN, number))
    return said("“%(title)s” (campaign %(number)s)", title=title, number=number)


def _field(leaf: r.HasField, label: str) -> Words:
    if leaf.how is Compare.FILLED:
        return (said("has something in the field “%(field)s”", field=label),
                said("has nothing in the field “%(field)s”", field=label))  # fmt: skip
    is_date = leaf.type is FieldKind.DATE
    value = Day(date.fromisoformat(leaf.value)) if is_date and leaf.value else f"“{leaf.value}”"
    told = (_DATED if is_date else {}).get(leaf.how) or _COMPARED[
        Compare.IS if leaf.how is Compare.IS_NOT else leaf.how
    ]
    is_so, is_not = (said(one, field=label, value=value) for one in told)
    return (is_not, is_so) if leaf.how is Compare.IS_NOT else (is_so, is_not)
