"""Search in everything of the owner's: people, texts, mailings, and the pages of this area."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, render_template, url_for
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from newsletter.articles import Article
from newsletter.campaigns import Campaign
from newsletter.forms import Form
from newsletter.guides import Guide
from newsletter.sequences import Sequence as Series
from newsletter.subscribers import Subscriber, found_by
from newsletter.subscribers.segments import SavedSegment
from newsletter.topics import Topic
from newsletter.web.language import _, lazy
from newsletter.web.owner.display import local
from newsletter.web.owner.door import door, words_asked
from newsletter.web.owner.menu import DOORS, pages_of
from newsletter.web.owner.permissions import may
from newsletter.web.state import reading

MOST = 8
"""Most hits per kind."""
SECTIONS = (
    (
        lazy("Whose newsletter this is"),
        "owner.settings",
        "brand",
        "name sender address brand author phone language booking",
    ),
    (
        lazy("Theme"),
        "owner.theme",
        "",
        "design look logo colours colors font typeface footer buttons corners brand mails",
    ),
    (
        lazy("Words of our mails"),
        "owner.texts",
        "",
        "texts system mails confirmation reminder guide goodbye weekly digest wording subject greeting signature "
        "closing reset",
    ),
    (lazy("Privacy page"), "owner.privacy", "", "data protection officer gdpr processor hosting texts policy"),
    (lazy("Below articles"), "owner.forms", "below", "form article archive end sign-up"),
    (lazy("Backup"), "owner.data", "backup", "data download save restore export size disk database"),
    (
        lazy("Remove the examples"),
        "owner.examples",
        "",
        "erase delete seeds samples demo articles series clean empty start",
    ),
    (lazy("Clicks"), "owner.settings", "clicks", "tracking links counted"),
    (lazy("Your time zone"), "owner.settings", "zone", "timezone clock times"),
    (lazy("Your sign-in address"), "owner.settings", "address", "change login email account owner"),
    (lazy("Your password"), "owner.settings", "password", "change sign in login"),
    (
        lazy("Bounces and complaints"),
        "owner.reports",
        "",
        "webhook postmark sendgrid mailgun brevo mailjet amazon ses spam",
    ),
    (
        lazy("Throw-away addresses"),
        "owner.throwaway",
        "",
        "disposable temporary domains mailinator trashmail blocklist refuse fake spam",
    ),
    (
        lazy("Sender and domain"),
        "owner.sending",
        "sender",
        "spf dkim dmarc dns mx return path bounce tls domain check key record authentication",
    ),
    (lazy("Relays"), "owner.sending", "relays", "smtp server test connection login starttls provider sending"),
    (lazy("Limits of sending"), "owner.sending", "limits", "throttle rate speed warm-up per hour gmail slow"),
    (lazy("Spam points"), "owner.sending", "spam", "spamassassin spamd score junk filter rules"),
    (
        lazy("Articles and campaigns"),
        "owner.write",
        "",
        "write articles campaigns drafts scheduled sent archive approval list newsletters",
    ),
    (lazy("Who did what"), "owner.audit", "", "audit log history changes before after values who"),
    (lazy("Second factor"), "owner.second_factor", "", "totp code app two-factor 2fa recovery"),
    (lazy("Passkeys"), "owner.passkeys", "", "webauthn fido security key fingerprint face sign in without password"),
    (lazy("Team"), "owner.team", "", "roles permissions invite invitation editor writer viewer colleague users"),
    (lazy("Where you are signed in"), "owner.settings", "sessions", "session browser sign out"),
    (lazy("Sites on which forms may stand"), "owner.forms", "sites", "hosts origin embed wordpress"),
    (lazy("What became of forms"), "owner.funnel", "", "funnel conversion views rate sign-ups"),
    (lazy("Set-up of guides"), "owner.guides", "", "new guide steps box page mail series test run"),
    (lazy("Pages of guides"), "owner.guides", "", "landing page outcomes samples questions answers preview"),
    (lazy("Import a list"), "owner.subscriber_import", "", "csv xlsx excel mailchimp kit substack upload people"),
    (lazy("Done for many"), "owner.bulk_actions", "", "bulk actions mass erase stop series send guide everybody"),
    (lazy("Bring an article over"), "owner.bring_over", "", "import copy blog post address url website page wordpress"),
    (lazy("Feeds"), "owner.feeds", "", "rss atom blog posts feed to mail recurring digest automatic"),
    (lazy("Imports"), "owner.imports", "", "undo progress report errors lists"),
)
"""(title, endpoint, anchor, other search words) of parts of pages."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit. `more`: distinguishes it from others of the same name."""

    label: str
    url: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of one kind. `all_url`: the page that lists the rest, or ""."""

    kind: str
    hits: Sequence[Hit]
    all_url: str = ""


@door.get("/search", endpoint="search")
def search() -> str:
    """Show everything whose name contains these words."""
    asked = words_asked()
    with reading() as session:
        found = [one for one in _everything(session, asked) if one.hits] if asked else []
        return render_template("owner/search.html", asked=asked, found=found, most=MOST)


def _everything(session: Session, asked: str) -> Iterable[Found]:
    yield Found(_("People"), _people(session, asked), url_for("owner.subscribers", q=asked))
    yield Found(
        _("Articles"),
        _named(session, Article, Article.title, "article", asked),
        url_for("owner.write", q=asked, kind="article"),
    )
    yield Found(_("Campaigns"), _campaigns(session, asked))
    yield Found(_("Guides"), _named(session, Guide, Guide.title, "guides", asked))
    yield Found(_("Series"), _named(session, Series, Series.name, "series", asked))
    yield Found(_("Forms"), _named(session, Form, Form.name, "form", asked))
    yield Found(_("Segments"), _named(session, SavedSegment, SavedSegment.name, "segment", asked))
    yield Found(_("Topics"), _named(session, Topic, Topic.name, "topic", asked))
    yield Found(_("Pages and settings"), _pages(asked))


def _people(session: Session, asked: str) -> list[Hit]:
    look = select(Subscriber).where(found_by(asked)).order_by(Subscriber.id.desc()).limit(MOST)
    return [Hit(one.email, url_for("owner.subscriber", id=one.id), one.first_name) for one in session.scalars(look)]


def _named(session: Session, kind: Any, name: InstrumentedAttribute[str], page: str, asked: str) -> list[Hit]:
    look = select(kind.id, name).where(name.icontains(asked, autoescape=True)).order_by(kind.id.desc()).limit(MOST)
    page = page if may(page) else f"{page}s"  # without permission to change it, leads to its list
    alone = current_app.url_map.is_endpoint_expecting(f"owner.{page}", "id")  # guides share one page
    return [
        Hit(label, url_for(f"owner.{page}", **({"id": id} if alone else {}))) for id, label in session.execute(look)
    ]


def _campaigns(session: Session, asked: str) -> list[Hit]:
    look = select(Campaign).join(Article, Article.id == Campaign.article_id)
    look = look.where(Article.title.icontains(asked, autoescape=True)).order_by(Campaign.id.desc()).limit(MOST)
    return [
        Hit(
            one.article.title,
            url_for("owner.campaign", id=one.id),
            local(one.launched_at or one.scheduled_at) if one.launched_at or one.scheduled_at else "not sent",
        )
        for one in session.scalars(look)
    ]


def _pages(asked: str) -> list[Hit]:
    """Pages of the menu and parts of pages that match every word."""
    words = asked.lower().split()
    pages = [page for one in DOORS for page in pages_of(one)]
    known = [
        *((page.label, url_for(page.endpoint), "") for page in pages),
        *(
            (title, url_for(endpoint, _anchor=anchor or None), more)
            for title, endpoint, anchor, more in SECTIONS
            if may(endpoint)
        ),
    ]
    return [Hit(title, url) for title, url, more in known if all(word in f"{title} {more}".lower() for word in words)]
