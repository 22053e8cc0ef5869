"""Rules of a segment: plain values, and the only vocabulary there is for them.

The JSON that is stored (`reading`), the SQL (`condition`), the sentence (`telling`) and the page all speak of these.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from newsletter.subscribers.merge_field import FieldKind
from newsletter.subscribers.subscriber import Status
from newsletter.zones import zone_named

DEEPEST, MOST_RULES = 5, 50
"""Groups inside each other, the outermost counted; and rules in all."""
MOST_DAYS = 3_650
FIRST_YEAR, LAST_YEAR = 1900, 2199
A_DAY = timedelta(days=1)


class What(StrEnum):
    """What a rule may name, and an owner may delete."""

    TAG = "tag"
    GUIDE = "guide"
    FORM = "form"
    FIELD = "field"
    CAMPAIGN = "campaign"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Ref:
    """The name of one such thing: a tag's name, a guide's slug, a field's key, a number of what else."""

    what: What
    name: str | int
    type: FieldKind | None = None
    """Of a field: one that was made anew with another kind is another field."""


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
class Called:
    """The address or the first name holds these words."""

    words: str


class Compare(StrEnum):
    """How what a field holds is compared."""

    IS = "is"
    IS_NOT = "is-not"
    """Holds something else, or nothing."""
    CONTAINS = "contains"
    MORE = "more"
    LESS = "less"
    FILLED = "filled"


COMPARABLE = {
    FieldKind.TEXT: (Compare.IS, Compare.IS_NOT, Compare.CONTAINS, Compare.FILLED),
    FieldKind.NUMBER: (Compare.IS, Compare.IS_NOT, Compare.MORE, Compare.LESS, Compare.FILLED),
    FieldKind.DATE: (Compare.IS, Compare.IS_NOT, Compare.MORE, Compare.LESS, Compare.FILLED),
    FieldKind.CHOICE: (Compare.IS, Compare.IS_NOT, Compare.FILLED),
    FieldKind.YES_NO: (Compare.IS, Compare.FILLED),
}
"""What may be asked of which kind of field."""


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
    | TakesDigest | TakesTopic | InZone | Called | HasField | WasSent | SentLately | Clicked | ClickedNothing
    | ClickedLately
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
    return None
