"""Menu: the eight top-level entries (doors) of the owner's area, and the pages behind each."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request

from newsletter.web.language import lazy
from newsletter.web.owner.permissions import may


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the menu. `folder`: the beginning of its address and of those of its subpages."""

    label: str
    endpoint: str
    folder: str
    more: tuple[str, ...] = ()
    """Other folders that belong to it."""

    def is_open(self, folder: str) -> bool:
        """Whether a page in this folder is this page or one of its subpages."""
        return folder == self.folder or folder in self.more


@dataclass(frozen=True, slots=True)
class Door:
    """A top-level entry: leads to its first page, and lists the others while one of them is open."""

    label: str
    pages: tuple[Page, ...]
    is_quick: bool = False
    """Whether phones also show it beside the menu button."""

    def is_open(self, folder: str) -> bool:
        """Whether a page in this folder is behind this door."""
        return any(page.is_open(folder) for page in self.pages)


DOORS = (
    Door(lazy("Home"), (Page(lazy("Home"), "owner.dashboard", "", more=("held", "unlock", "search")),), is_quick=True),
    Door(lazy("Write"), (
        Page(lazy("Articles and campaigns"), "owner.write", "write", more=("articles", "campaigns", "drafts")),
        Page(lazy("Feeds"), "owner.feeds", "feeds"), Page(lazy("Topics"), "owner.topics", "topics"),
        Page(lazy("Pictures"), "owner.pictures", "pictures"),
    ), is_quick=True),
    Door(lazy("Guides"), (Page(lazy("Guides"), "owner.guides", "guides"),)),
    Door(lazy("Series"), (Page(lazy("Series"), "owner.all_series", "series"),)),
    Door(lazy("People"), (
        Page(lazy("Subscribers"), "owner.subscribers", "subscribers"),
        Page(lazy("Segments"), "owner.segments", "segments"), Page(lazy("Fields"), "owner.fields", "fields"),
    ), is_quick=True),
    Door(lazy("Forms"), (Page(lazy("Forms"), "owner.forms", "forms"),)),
    Door(lazy("Results"), (
        Page(lazy("Results"), "owner.results", "results"), Page(lazy("Messages"), "owner.messages", "messages"),
    )),
    Door(lazy("Settings"), (
        Page(lazy("Settings"), "owner.settings", "settings",
             more=("second-factor", "passkeys", "sessions", "reports", "throw-away")),
        Page(lazy("Sending"), "owner.sending", "sending"),
        Page(lazy("Theme"), "owner.theme", "theme"), Page(lazy("Texts"), "owner.texts", "texts", more=("privacy",)),
        Page(lazy("Mail gallery"), "owner.mails", "mails"),
        Page(lazy("Data"), "owner.data", "data", more=("examples",)),
        Page(lazy("Team"), "owner.team", "team"), Page(lazy("Audit log"), "owner.audit", "audit"),
    )),
)  # fmt: skip


def open_folder() -> str:
    """The folder of the requested page; "" for Home."""
    rule = request.url_rule.rule if request.url_rule else ""
    return rule.partition("/owner/")[2].partition("/")[0]


def pages_of(door: Door) -> Sequence[Page]:
    """The pages behind a door that the user may open."""
    return [page for page in door.pages if may(page.endpoint)]
