"""Rules of a segment: plain values, and the only vocabulary there is for them.

The JSON that is stored (`reading`), the SQL (`condition`), the sentence (`telling`) and the page all speak of these.
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
"""Groups inside each other, the outermost counted; and rules in all."""
MOST_DAYS = 3_650
FIRST_YEAR, LAST_YEAR = 1900, 2199
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HasStatus:
    """Stands there."""

    status: Status


@dataclass(frozen=True, slots=True)
class HasTag:
    """Was given it by the owner."""

    tag: str


@dataclass(frozen=True, slots=True)
class AskedFor:
    """Asked for the guide, and confirmed it."""

    guide: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """Opened the guide's file."""

    guide: str


@dataclass(frozen=True, slots=True)
class SignedUpBy:
    """Signed up by the form, and confirmed it."""

    form: int


@dataclass(frozen=True, slots=True)
class JoinedBefore:
    """First signed up on an earlier day."""

    day: date


@dataclass(frozen=True, slots=True)
class JoinedAfter:
    """First signed up on a later day."""

    day: date


@dataclass(frozen=True, slots=True)
class JoinedLately:
    """First signed up today, or on one of so many days before."""

    days: int


@dataclass(frozen=True, slots=True)
class TakesNewsletter:
    """Agreed to the newsletter; `takes` False: did not."""

    takes: bool


@dataclass(frozen=True, slots=True)
class TakesDigest:
    """Takes the newsletter as one mail a week; `takes` False: does not."""

    takes: bool


@dataclass(frozen=True, slots=True)
class TakesTopic:
    """Takes the newsletter, and this topic of it."""

    topic: int


@dataclass(frozen=True, slots=True)
class InZone:
    """Lives by these clocks."""

    zone: str


@dataclass(frozen=True, slots=True)
class ReadsIn:
    """Is written to in this language: their own, else the newsletter's."""

    language: str


@dataclass(frozen=True, slots=True)
class Called:
    """The address or the first name holds these words."""

    words: str


@dataclass(frozen=True, slots=True)
class HasField:
    """An own field holds such a value. `value`: as `Field.read` gives it; "" where all that is asked is whether the
    field is filled in."""

    field: str
    type: FieldKind
    how: Compare
    value: str


@dataclass(frozen=True, slots=True)
class WasSent:
    """Was sent the campaign, or may have been; by itself, or in a weekly mail."""

    campaign: int


@dataclass(frozen=True, slots=True)
class SentLately:
    """Was sent a campaign or a mail of a series today, or on one of so many days before."""

    days: int


@dataclass(frozen=True, slots=True)
class Clicked:
    """Followed a link of the campaign."""

    campaign: int


@dataclass(frozen=True, slots=True)
class ClickedNothing:
    """Was sent the campaign, or may have been, and followed none of its links, as far as they let us know. Nobody,
    where its clicks were not counted."""

    campaign: int


@dataclass(frozen=True, slots=True)
class ClickedLately:
    """Followed a link of a campaign or of a mail of a series today, or on one of so many days before."""

    days: int


class Stage(StrEnum):
    """Where somebody stands in a series. Each person stands at one of these in each series."""

    IN = "in"
    """Something of it is to come, even if it waits behind another series or is switched off."""
    FINISHED = "finished"
    STOPPED = "stopped"
    """By the reader, an owner or a bounce, and not started again."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class InSeries:
    """Stands there in the series."""

    series: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class AtStep:
    """Is in a series, and this step of it is the next to come. By its id, so the rule still asks for the same article
    when the steps change places."""

    step: int


class How(StrEnum):
    """How the rules of a group go together."""

    ALL = "all"
    ANY = "any"
    NONE = "none"
    """Not one of them: with a single rule, plainly its opposite."""


@dataclass(frozen=True, slots=True)
class Group:
    """Several rules; never none, which would be everybody by mistake."""

    how: How
    rules: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """In the place of stored rules that this version cannot read: nobody."""

    told: str


Leaf = (
    HasStatus | HasTag | AskedFor | Fetched | SignedUpBy | JoinedBefore | JoinedAfter | JoinedLately | TakesNewsletter
    | TakesDigest | TakesTopic | InZone | ReadsIn | Called | HasField | WasSent | SentLately | Clicked
    | ClickedNothing | ClickedLately | InSeries | AtStep
)  # fmt: skip
Rule = Leaf | Group | Unreadable


@dataclass(frozen=True, slots=True)
class Rules:
    """All the rules of a segment, and the zone whose days they count."""

    root: Rule
    zone: str = "UTC"

    def on(self, now: datetime) -> "DatedRules":
        """The same, with days counted back from this moment."""
        return DatedRules(self.root, self.zone, now.astimezone(zone_named(self.zone)).date())

    def leaves(self) -> Iterator[Leaf | Unreadable]:
        """Every rule that is no group, in order."""
        return _leaves(self.root)

    def names(self) -> list[Ref]:
        """What it names, each once, in order."""
        return list(dict.fromkeys(name for leaf in self.leaves() if (name := _name(leaf))))

    @property
    def is_readable(self) -> bool:
        """Whether this version knows what is meant."""
        return not any(isinstance(leaf, Unreadable) for leaf in self.leaves())


@dataclass(frozen=True, slots=True)
class DatedRules(Rules):
    """Rules on one day: who is in the segment no longer depends on the clock, so it can be counted, kept and compared.

    `today`: as a calendar in its zone shows it.
    """

    today: date = date(1970, 1, 1)

    def begin(self, day: date) -> datetime:
        """The instant at which a day begins in its zone."""
        return datetime.combine(day, time(), zone_named(self.zone)).astimezone(UTC)

    def since(self, days: int) -> datetime:
        """The instant at which the day began that was so many days ago."""
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
