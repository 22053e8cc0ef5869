"""Recognises columns by the headings of common programs, and which program wrote the file.

Sources: Mailchimp, "View and export contacts" and its export API (OPTIN_TIME, CONFIRM_TIME, UNSUB_TIME, CLEAN_TIME,
LEID, EUID, MEMBER_RATING, TAGS); Ghost, the members' CSV of its Admin API (subscribed_to_emails, deleted_at, labels);
Substack's `email_list…csv` as Ghost's migration tools read it (active_subscription says who pays, email_disabled who
gets nothing); listmonk, "API / Subscribers" (status, attribs, lists with a subscription_status each); Brevo, "Export
contacts" (EMAIL, ADDED_TIME, MODIFIED_TIME) and its blocklist; Kit, "List subscribers" (state, first_name, created_at);
beehiiv, the subscription object (status, subscription_tier); MailerLite, "Subscriber statuses explained"; Keila's
contacts (Email, First name, Last name, Data, Status, External ID).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from newsletter.imports.report import BadFile
from newsletter.languages import joined, said
from newsletter.subscribers import OWN, Field


class Role(StrEnum):
    """What a column holds; the value is the word used in the report."""

    EMAIL = "address"
    FIRST_NAME = "first name"
    FULL_NAME = "name"
    STATUS = "status"
    STATE = "status in Kit"
    """Kit's heading for the status; elsewhere a state such as New York."""
    LISTS = "status in each list"
    SUBSCRIBED = "subscribed?"
    NEWSLETTER = "newsletter?"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "left?"
    BOUNCED = "bounced?"
    COMPLAINED = "complained?"
    JOINED = "joined"
    PAUSED = "paused until"
    WEEKLY = "one mail a week?"
    OBJECTS = "objects to clicks"
    ZONE = "time zone"
    LANGUAGE = "language"
    TAGS = "tags"
    TOPICS = "topics"


_HEADINGS = {
    Role.EMAIL: "email emailaddress mail mailaddress subscriberemail subscriber contactemail primaryemail useremail "
    "emailadresse emailadres adresseemail adressemail adressemail courriel correoelectronico indirizzoemail",
    Role.FIRST_NAME: "firstname fname forename givenname first vorname prenom nombre voornaam subscriberfirstname",
    Role.FULL_NAME: "name fullname subscribername displayname contactname",
    Role.STATUS: "status subscriptionstatus subscriberstatus emailstatus emailmarketing emailmarketingstatus "
    "emailsubscriptionstatus marketingstatus contactstatus memberstatus liststatus subscriptionstate subscriberstate "
    "optinstatus emailoptinstatus newsletterstatus mailingstatus consentstatus",
    Role.STATE: "state",
    Role.LISTS: "lists",
    Role.SUBSCRIBED: "subscribed subscribedtoemails issubscribed optin optedin emailoptin acceptsmarketing "
    "acceptsemailmarketing marketingconsent emailconsent marketingoptin newsletteroptin newslettersubscribed "
    "subscribedtonewsletter subscribedtoemail emailsubscribed wantsnewsletter wantsemail consent gdprconsent "
    "hasconsent consented consentgiven emailpermission marketingpermission allowsmarketing allowsemails "
    "active isactive enabled isenabled receivesemail receivesemails",
    Role.NEWSLETTER: "newsletter",
    Role.CONFIRMED: "confirmed confirmedat confirmedon confirmtime confirmationtime confirmationdate confirmdate "
    "dateconfirmed isconfirmed doubleoptin doubleoptinat doubleoptindate doubleoptintime doubleoptinconfirmed",
    Role.UNSUBSCRIBED: "unsubscribed isunsubscribed unsubscribedfromemails emaildisabled optout optedout emailoptout "
    "hasoptedoutofemail donotemail donotmail deleted isdeleted blocklisted blacklisted isblocklisted isblacklisted "
    "emailblocklisted emailblacklisted unsubtime unsubscribetime unsubscribedat unsubscribedon unsubscribedate "
    "unsubscribeddate unsubscriptiondate dateunsubscribed optouttime optoutdate leftat deletedat blocklistedat "
    "unsubscribedfromall unsubscribedfromallemail donotcontact suppressed issuppressed suppressedat",
    Role.BOUNCED: "bounced isbounced hardbounced hardbounce cleaned cleantime cleanedat bouncedat bouncedate "
    "hardbouncedat",
    Role.COMPLAINED: "complained complaint markedasspam spam isspam spamcomplaint complainedat complaintdate "
    "complainttime",
    Role.JOINED: "createdat created createdon createddate creationdate datecreated dateadded addedat addedon addedtime "
    "addeddate optintime optindate optinat signupdate signedupat signupat subscribedat subscribedon subscribeddate "
    "subscribedate subscribetime subscriptiondate datesubscribed joined joinedat joindate datejoined membersince "
    "registered registeredat startdate",
    Role.PAUSED: "pauseduntil",
    Role.WEEKLY: "onemailaweek",
    Role.OBJECTS: "objectstoclicks",
    Role.ZONE: "zone timezone tz",
    Role.LANGUAGE: "language languagecode preferredlanguage lang locale sprache langue idioma taal lingua",
    Role.TAGS: "tags tag labels label groups",
    Role.TOPICS: "topics",
}
ROLES = {heading: role for role, headings in _HEADINGS.items() for heading in headings.split()}


class Program(StrEnum):
    """The program that wrote the file, guessed from its headings."""

    OWN = "this program"
    MAILCHIMP = "Mailchimp"
    KIT = "Kit"
    MAILERLITE = "MailerLite"
    SUBSTACK = "Substack"
    GHOST = "Ghost"
    LISTMONK = "listmonk"
    BEEHIIV = "beehiiv"
    BREVO = "Brevo"
    KEILA = "Keila"


_SIGNS: tuple[tuple[Program, tuple[set[str], ...]], ...] = (
    (Program.OWN, ({"email", "firstname", "status", "newsletter", "zone", "createdat", "confirmedat", "leftat"},)),
    (Program.MAILCHIMP, ({"leid"}, {"euid"}, {"memberrating"})),
    (Program.GHOST, ({"subscribedtoemails"},)),
    (Program.SUBSTACK, ({"activesubscription"}, {"emaildisabled"})),
    (Program.LISTMONK, ({"uuid", "attributes"}, {"uuid", "attribs"})),
    (Program.BEEHIIV, ({"subscriptiontier"}, {"subscriptionpremiumtiernames"}, {"acquisitionsource"})),
    (Program.BREVO, ({"addedtime"}, {"modifiedtime"}, {"emailblacklisted"}, {"emailblocklisted"})),
    (Program.KEILA, ({"externalid", "data"}, {"firstname", "lastname", "data"})),
    (Program.MAILERLITE, ({"subscriber", "sent"}, {"subscriber", "opened"}, {"email", "opened", "clicked", "sent"})),
    (Program.KIT, ({"firstname", "emailaddress", "createdat"}, {"email", "state", "createdat"})),
)
MAILCHIMP_KINDS = re.compile(r"(?:^|[/\\])(unsubscribed|cleaned|non-?_?subscribed)_", re.I)


def squashed(heading: str) -> str:
    """A heading normalised for comparison: case-folded, without punctuation, spaces and the accents é and ó."""
    plain = heading.casefold().replace("é", "e").replace("ó", "o")
    return re.sub(r"[\W_]+", "", plain)


@dataclass(frozen=True)
class Columns:
    """A header: its headings, and the column indices of each role, in column order."""

    headings: tuple[str, ...]
    places: dict[Role, tuple[int, ...]]
    program: Program | None
    fields: tuple[Field, ...] = ()
    """The owner's custom fields."""
    opting: tuple[int, ...] = ()
    """Mailchimp's OPTIN_TIME and CONFIRM_TIME. Its "non-subscribed" have no status, but both of these empty."""
    chosen: Mapping[int, Field] | None = None
    """Field by column index, as the owner chose; None: by the headings."""
    waved: frozenset[int] = frozenset()
    """Columns that the owner said have nothing to do with who wants mail, whatever they contain."""
    headed: bool = True
    """Whether the first row is a header; if not, it is data and the columns are numbered."""

    @cached_property
    def own(self) -> Mapping[int, Field]:
        """Custom field by column index: matched by key, label, or the heading our own export uses.

        Only an exact export heading overrides a column that already has a role.
        """
        if self.chosen is not None:
            return self.chosen
        named = {squashed(name): field for field in reversed(self.fields) for name in (field.label, field.key)}
        exact = {f"{OWN}{field.key}": field for field in self.fields}
        seen = {place for places in self.places.values() for place in places}
        found: dict[int, Field] = {}
        for place, heading in enumerate(self.headings):
            field = exact.get(heading.casefold()) or (named.get(squashed(heading)) if place not in seen else None)
            if field is not None and field not in found.values():
                found[place] = field
        return found

    def at(self, role: Role) -> tuple[int, ...]:
        """The column indices with this role, possibly none."""
        return self.places.get(role, ())

    @cached_property
    def words(self) -> frozenset[int]:
        """Columns of free text, which only `unguarded` cleans."""
        return frozenset(
            (*self.at(Role.FIRST_NAME), *self.at(Role.FULL_NAME), *self.at(Role.TAGS), *self.at(Role.TOPICS), *self.own)
        )

    @cached_property
    def needed(self) -> tuple[int, ...]:
        """Columns that must not be empty: without a status it is unknown whether a person wants mail."""
        return self.at(Role.STATUS) + self.at(Role.STATE)

    @property
    def used(self) -> tuple[tuple[str, str], ...]:
        """(heading, what it is read as), in column order."""
        named: dict[int, str] = {place: role for role, places in self.places.items() for place in places}
        named |= {place: f"your field “{field.label}”" for place, field in self.own.items()}
        return tuple((self.headings[place], str(named[place])) for place in sorted(named))

    @property
    def unused(self) -> tuple[str, ...]:
        """Headings of the columns that are ignored."""
        seen = {place for places in self.places.values() for place in places} | self.own.keys()
        return tuple(name for place, name in enumerate(self.headings) if place not in seen and name)

    def without(self, role: Role) -> "Columns":
        """A copy without this role."""
        return replace(self, places={one: where for one, where in self.places.items() if one is not role})

    def is_whole(self, cells: Sequence[str]) -> bool:
        """Whether these cells look like a complete row: one per column, with an address in an address column."""
        if len(cells) != len(self.headings):
            return False
        return any(re.fullmatch(r"\S+@\S+\.\S+", cells[place].strip()) for place in self.at(Role.EMAIL))


def recognise(headings: Iterable[str], fields: Iterable[Field] = ()) -> Columns:
    """Recognise columns by their headings. `fields`: the owner's custom fields."""
    names = tuple(" ".join(heading.replace("\ufeff", "").split()) for heading in headings)
    places: dict[Role, tuple[int, ...]] = {}
    for place, name in enumerate(names):
        if (role := ROLES.get(squashed(name))) is not None:
            places[role] = (*places.get(role, ()), place)
    if Role.STATUS in places:
        places.pop(Role.STATE, None)  # then “state” is part of a postal address
    fields = tuple(fields)
    if any(ROLES.get(squashed(name)) is Role.LANGUAGE for one in fields for name in (one.label, one.key)):
        places.pop(Role.LANGUAGE, None)  # the owner's custom field of that name takes precedence
    program = _program([squashed(name) for name in names])
    return Columns(
        headings=names, places=places, program=program, fields=fields, opting=_opting(program, names, places)
    )


def _opting(program: Program | None, names: Sequence[str], places: Mapping[Role, tuple[int, ...]]) -> tuple[int, ...]:
    dated = (*places.get(Role.JOINED, ()), *places.get(Role.CONFIRMED, ()))
    return tuple(place for place in dated if program is Program.MAILCHIMP and "time" in names[place].lower())


def _program(names: list[str]) -> Program | None:
    seen = set(names)
    for program, signs in _SIGNS:
        if any(sign <= seen for sign in signs):
            return program
    # Only Kit puts the first name before the address.
    if names[:2] in (["firstname", "email"], ["firstname", "emailaddress"]) and seen & {"status", "state"}:
        return Program.KIT
    return None


NO_ADDRESSES = said("The first line should name the columns, one of them “email” (and perhaps “first_name”).")


def no_addresses(header: str) -> BadFile:
    """The error for a file whose header names no address column."""
    if "@" in header:
        more = said("It holds an address: if it names no columns, say so, and it is read as a person's.")
    elif header.strip():
        more = said("It says: %(words)s.", words=repr(header[:200]))
    else:
        more = said("It is empty.")
    return BadFile(joined((NO_ADDRESSES, more)))
