"""The rules of a segment, as plain values.

JSON (`reading`), SQL (`condition`), sentences (`telling`) and the page are all derived from these classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from newsletter.subscribers.merge_field import FieldKind
from newsletter.subscribers.segments.comparing import Compare
from newsletter.subscribers.segments.refs import Ref, What
from newsletter.subscribers.subscriber import Status
from newsletter.zones import zone_named

DEEPEST, MOST_RULES = 5, 50
"""Levels of nested groups including the outermost; rules in total."""
MOST_DAYS = 3_650
FIRST_YEAR, LAST_YEAR = 1900, 2199
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HasStatus:
    """Has this status."""

    status: Status


@dataclass(frozen=True, slots=True)
class HasTag:
    """Has this tag."""

    tag: str


@dataclass(frozen=True, slots=True)
class AskedFor:
    """Asked for the guide and confirmed."""

    guide: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """Opened the guide's file."""

    guide: str


@dataclass(frozen=True, slots=True)
class SignedUpBy:
    """Signed up through the form and confirmed."""

    form: int


@dataclass(frozen=True, slots=True)
class JoinedBefore:
    """First signed up before this day."""

    day: date


@dataclass(frozen=True, slots=True)
class JoinedAfter:
    """First signed up after this day."""

    day: date


@dataclass(frozen=True, slots=True)
class JoinedLately:
    """First signed up today or in the `days` days before."""

    days: int


@dataclass(frozen=True, slots=True)
class TakesNewsletter:
    """Receives the newsletter, or (`takes=False`) does not."""

    takes: bool


@dataclass(frozen=True, slots=True)
class TakesDigest:
    """Receives the newsletter as a weekly digest, or (`takes=False`) does not."""

    takes: bool


@dataclass(frozen=True, slots=True)
class TakesTopic:
    """Receives the newsletter with this topic."""

    topic: int


@dataclass(frozen=True, slots=True)
class InZone:
    """Has this time zone."""

    zone: str


@dataclass(frozen=True, slots=True)
class ReadsIn:
    """Gets mail in this language: their own, else the newsletter's."""

    language: str


@dataclass(frozen=True, slots=True)
class Called:
    """The address or first name contains this text."""

    words: str


@dataclass(frozen=True, slots=True)
class HasField:
    """A custom field's value matches. `value`: as returned by `Field.read`; "" for Compare.FILLED."""

    field: str
    type: FieldKind
    how: Compare
    value: str


@dataclass(frozen=True, slots=True)
class WasSent:
    """Was (or may have been) sent the campaign, separately or in a weekly digest."""

    campaign: int


@dataclass(frozen=True, slots=True)
class SentLately:
    """Was sent campaign or series mail today or in the `days` days before."""

    days: int


@dataclass(frozen=True, slots=True)
class Clicked:
    """Followed a link of the campaign."""

    campaign: int


@dataclass(frozen=True, slots=True)
class ClickedNothing:
    """Was (or may have been) sent the campaign and clicked no link, unless they object to tracking. Matches nobody if
    its clicks were not counted."""

    campaign: int


@dataclass(frozen=True, slots=True)
class ClickedLately:
    """Followed a link in campaign or series mail today or in the `days` days before."""

    days: int


class Stage(StrEnum):
    """A person's stage in a series; exactly one of these for each series."""

    IN = "in"
    """Enrolled and not finished, even if waiting behind another series or switched off."""
    FINISHED = "finished"
    STOPPED = "stopped"
    """Stopped by the reader, an owner or a bounce, and not restarted."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class InSeries:
    """Is at this stage of the series."""

    series: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class AtStep:
    """Is in a series, and this is the next step. By id, so that the rule survives reordering."""

    step: int


class How(StrEnum):
    """How a group combines its rules."""

    ALL = "all"
    ANY = "any"
    NONE = "none"
    """None of them; with a single rule, its negation."""


@dataclass(frozen=True, slots=True)
class Group:
    """Several rules; never empty, which would match everybody."""

    how: How
    rules: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for stored rules that this version cannot parse; matches nobody."""

    told: str


Leaf = (
    HasStatus | HasTag | AskedFor | Fetched | SignedUpBy | JoinedBefore | JoinedAfter | JoinedLately | TakesNewsletter
    | TakesDigest | TakesTopic | InZone | ReadsIn | Called | HasField | WasSent | SentLately | Clicked
    | ClickedNothing | ClickedLately | InSeries | AtStep
)  # fmt: skip
Rule = Leaf | Group | Unreadable


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a segment, and the zone of its calendar days."""

    root: Rule
    zone: str = "UTC"

    def on(self, now: datetime) -> "DatedRules":
        """The rules with relative days resolved at `now`."""
        return DatedRules(self.root, self.zone, now.astimezone(zone_named(self.zone)).date())

    def leaves(self) -> Iterator[Leaf | Unreadable]:
        """Every rule that is not a group, in order."""
        return _leaves(self.root)

    def names(self) -> list[Ref]:
        """What the rules refer to, without duplicates, in order."""
        return list(dict.fromkeys(name for leaf in self.leaves() if (name := _name(leaf))))

    @property
    def is_readable(self) -> bool:
        """Whether this version can parse all of it."""
        return not any(isinstance(leaf, Unreadable) for leaf in self.leaves())


@dataclass(frozen=True, slots=True)
class DatedRules(Rules):
    """Rules on a fixed day, independent of the clock, so that results can be counted, cached and compared.

    `today`: the date in its zone.
    """

    today: date = date(1970, 1, 1)

    def begin(self, day: date) -> datetime:
        """When a day starts in its zone (UTC)."""
        return datetime.combine(day, time(), zone_named(self.zone)).astimezone(UTC)

    def since(self, days: int) -> datetime:
        """When the day `days` days ago started (UTC)."""
        return self.begin(self.today - days * A_DAY)


def _leaves(rule: Rule) -> Iterator[Leaf | Unreadable]:
    if not isinstance(rule, Group):
        yield rule
        return
    for one in rule.rules:
        yield from _leaves(one)


def _name(leaf: Leaf | Unreadable) -> Ref | None:
    match leaf:
        case HasTag(tag):
            return Ref(What.TAG, tag)
        case AskedFor(guide) | Fetched(guide):
            return Ref(What.GUIDE, guide)
        case SignedUpBy(form):
            return Ref(What.FORM, form)
        case HasField(field, type):
            return Ref(What.FIELD, field, type)
        case WasSent(campaign) | Clicked(campaign) | ClickedNothing(campaign):
            return Ref(What.CAMPAIGN, campaign)
        case TakesTopic(topic):
            return Ref(What.TOPIC, topic)
        case InSeries(series):
            return Ref(What.SERIES, series)
        case AtStep(step):
            return Ref(What.STEP, step)
    return None
