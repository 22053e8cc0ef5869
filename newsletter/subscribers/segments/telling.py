"""Rules as a sentence: "has the tag “runners” and joined in the last 30 days, but does not take the newsletter"."""

from datetime import date

from newsletter.subscribers.merge_field import FieldKind
from newsletter.subscribers.segments import rules as r
from newsletter.subscribers.segments.named import Named
from newsletter.subscribers.subscriber import Status

_STANDS = {
    Status.PENDING: ("has not confirmed the address yet", "has confirmed the address, or ended it"),
    Status.CONFIRMED: ("is confirmed", "is not confirmed"),
    Status.UNSUBSCRIBED: ("has unsubscribed", "has not unsubscribed"),
    Status.BOUNCED: ("has an address that bounced", "has no address that bounced"),
    Status.COMPLAINED: ("complained", "did not complain"),
}
Words = tuple[str, str]
"""How it is said, and how its opposite is."""


def sentence(rules: r.Rules, named: Named) -> str:
    """Who they are, behind "everybody who"; never empty. `named`: what `named.look_up` found."""
    return _said(rules.root, named)


def _said(rule: r.Rule, named: Named) -> str:
    if isinstance(rule, r.Unreadable):
        return "cannot be told: these rules cannot be read"
    if not isinstance(rule, r.Group):
        return words(rule, named)[0]
    if rule.how is r.How.NONE:
        return " and ".join(_opposite(one, named) for one in rule.rules)
    if rule.how is r.How.ANY:
        return " or ".join(_inner(one, named, r.How.ANY) for one in rule.rules)
    but = [one for one in rule.rules if isinstance(one, r.Group) and one.how is r.How.NONE]
    first = " and ".join(_inner(one, named, r.How.ALL) for one in rule.rules if one not in but)
    last = " and ".join(_said(one, named) for one in but)
    return ", but ".join(part for part in (first, last) if part)


def _inner(rule: r.Rule, named: Named, outer: r.How) -> str:
    """A rule inside a group: in brackets where it would be misread without."""
    said = _said(rule, named)
    plain = not isinstance(rule, r.Group) or rule.how is outer or (len(rule.rules) == 1 and "(" not in said)
    return said if plain else f"({said})"


def _opposite(rule: r.Rule, named: Named) -> str:
    if isinstance(rule, r.Group | r.Unreadable):
        return f"is not somebody who ({_said(rule, named)})"
    return words(rule, named)[1]


def words(leaf: r.Leaf, named: Named) -> Words:
    """One rule, and its opposite."""
    match leaf:
        case r.HasStatus(status):
            return _STANDS[status]
        case r.HasTag(tag):
            return f"has the tag “{tag}”", f"does not have the tag “{tag}”"
        case r.TakesNewsletter(takes):
            both = "takes the newsletter", "does not take the newsletter"
            return both if takes else both[::-1]
        case r.InZone(zone):
            return f"lives in the time zone {zone}", f"does not live in the time zone {zone}"
        case r.Called(part):
            told = f"“{part}” in the address or the first name"
            return f"has {told}", f"does not have {told}"
        case r.HasField():
            return _field(leaf, named.title(r.Ref(r.What.FIELD, leaf.field, leaf.type)))
        case r.JoinedBefore() | r.JoinedAfter() | r.JoinedLately():
            return _joined(leaf)
    return _history(leaf, named)


def _joined(leaf: r.JoinedBefore | r.JoinedAfter | r.JoinedLately) -> Words:
    match leaf:
        case r.JoinedBefore(day):
            told = f"joined before {_day(day)}"
        case r.JoinedAfter(day):
            told = f"joined after {_day(day)}"
        case r.JoinedLately(days):
            told = f"joined in the last {_days(days)}"
    return told, f"has not {told}"


def _history(leaf: r.Leaf, named: Named) -> Words:
    match leaf:
        case r.AskedFor(guide):
            told = f"the guide “{named.title(r.Ref(r.What.GUIDE, guide))}”"
            return f"asked for {told}", f"has not asked for {told}"
        case r.Fetched(guide):
            told = f"the guide “{named.title(r.Ref(r.What.GUIDE, guide))}”"
            return f"opened {told}", f"has not opened {told}"
        case r.SignedUpBy(form):
            told = f"signed up by the form “{named.title(r.Ref(r.What.FORM, form))}”"
            return told, f"has not {told}"
        case r.WasSent(campaign):
            told = f"sent {_campaign(campaign, named)}"
            return f"was {told}", f"was not {told}"
        case r.SentLately(days):
            told = f"sent a campaign or a mail of a series in the last {_days(days)}"
            return f"was {told}", f"was not {told}"
    return _clicks(leaf, named)


def _clicks(leaf: r.Leaf, named: Named) -> Words:
    match leaf:
        case r.Clicked(campaign):
            told = f"followed a link in {_campaign(campaign, named)}"
            return told, f"has not {told}"
        case r.ClickedNothing(campaign):
            told = _campaign(campaign, named)
            return f"was sent {told} and followed no link in it", f"was not sent {told}, or followed a link in it"
        case r.ClickedLately(days):
            told = f"followed a link in one of our mails in the last {_days(days)}"
            return told, f"has not {told}"
    raise TypeError(f"a rule without words: {leaf!r}")


def _campaign(number: int, named: Named) -> str:
    return f"“{named.title(r.Ref(r.What.CAMPAIGN, number))}” (campaign {number})"


def _field(leaf: r.HasField, label: str) -> Words:
    is_date = leaf.type is FieldKind.DATE
    value = _day(date.fromisoformat(leaf.value)) if is_date and leaf.value else f"“{leaf.value}”"
    more, less = ("is after", "is before") if is_date else ("is more than", "is less than")
    match leaf.how:
        case r.Compare.IS:
            verbs = "is", "is not"
        case r.Compare.IS_NOT:
            verbs = "is not", "is"
        case r.Compare.CONTAINS:
            verbs = "contains", "does not contain"
        case r.Compare.MORE:
            verbs = more, f"is unknown or not {more[3:]}"
        case r.Compare.LESS:
            verbs = less, f"is unknown or not {less[3:]}"
        case r.Compare.FILLED:
            return f"has something in the field “{label}”", f"has nothing in the field “{label}”"
    return f"has a field “{label}” that {verbs[0]} {value}", f"has a field “{label}” that {verbs[1]} {value}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _days(days: int) -> str:
    return "day" if days == 1 else f"{days:,} days"
