"""A campaign's audience: chooses it and its exclusions, and shows how many and who are in it."""

from dataclasses import dataclass, replace
from typing import Any

from flask import jsonify, render_template, request
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput

from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState, ab_test_of
from newsletter.guides import Guide
from newsletter.languages import marked
from newsletter.subscribers import Segment, Subscriber, all_tags, segments
from newsletter.subscribers.segments import SavedSegment
from newsletter.topics import Topic
from newsletter.web.language import _, lazy, ngettext
from newsletter.web.owner.display import number, word
from newsletter.web.owner.door import asked_id, back, door, note, one_or_404, words_asked
from newsletter.web.state import now, reading, transaction
from newsletter.web.typed_form import TypedForm

TAG, SAVED = "tag:", "segment:"
"""Prefixes of a tag and of a saved segment's id among the audiences; no guide's name contains a colon."""
MOST = 100
"""Most tags, and most segments, offered on the page; the command accepts any."""
GONE = marked("Nothing was changed: a segment that you chose is not there any more.")
NAMES = 5
"""People of an audience shown by name: those who signed up last."""


class LeftOutForm(TypedForm):
    """Exclusions from an audience."""

    without = SelectMultipleField(lazy("But not to those in"), coerce=int, option_widget=CheckboxInput())
    had = BooleanField(lazy("Nor to those who have had this article"))


class CampaignForm(LeftOutForm):
    """The article and the audience of a new campaign."""

    article = SelectField(lazy("Article"), coerce=int)
    audience = SelectField(lazy("Audience"), default="")


@dataclass(frozen=True, slots=True)
class Glance:
    """The present size of an audience and its newest members."""

    people: int | None
    """None while they are counted."""
    newest: list[Subscriber]

    @classmethod
    def of(cls, session: Session, segment: Segment) -> "Glance":
        """The size and newest members of a segment."""
        people = segment.size_if_kept(session)
        return cls(people, segment.newest(session, NAMES) if people else [])


def campaign_form(session: Session, **kwargs: Any) -> CampaignForm:
    """The form with all its choices."""
    form = CampaignForm(**kwargs)
    rows = session.execute(select(Article.id, Article.title).order_by(Article.updated_at.desc()))
    form.article.choices = [SelectChoice(id, title) for id, title in rows]
    asked = [
        SelectChoice(slug, _("asked for “%(title)s”", title=title), optgroup=_("By guide"))
        for slug, title in titles(session).items()
    ]
    tags = [name for name, _ in all_tags(session, MOST)]
    tagged = [
        SelectChoice(f"{TAG}{name}", _("with the tag “%(name)s”", name=name), optgroup=_("By tag")) for name in tags
    ]
    saved = [
        SelectChoice(f"{SAVED}{one.id}", _("in the segment “%(name)s”", name=one.name), optgroup=_("By segment"))
        for one in _saved(session)
    ]
    form.audience.choices = [SelectChoice("", _("all newsletter readers")), *asked, *tagged, *saved]
    _to_leave_out(session, form)
    return form


def left_out_form(session: Session, campaign: Campaign, *, typed: bool = False) -> LeftOutForm:
    """The form of a draft's exclusions, as stored, or with `typed` as submitted."""
    ids = [one.id for one in campaign.left_out]
    form = LeftOutForm() if typed else LeftOutForm(None, data={"without": ids, "had": campaign.leaves_out_had})
    _to_leave_out(session, form, ids)
    return form


def _to_leave_out(session: Session, form: LeftOutForm, chosen: list[int] | None = None) -> None:
    every = enumerate(segments.every(session))
    form.without.choices = [
        SelectChoice(one.id, one.name) for place, one in every if place < MOST or one.id in (chosen or ())
    ]


def _saved(session: Session) -> list[SavedSegment]:
    """The first `MOST` saved segments, and the one named in the page's address."""
    asked = words_asked("audience")
    every = enumerate(segments.every(session))
    return [one for place, one in every if place < MOST or asked == f"{SAVED}{one.id}"]


def titles(session: Session) -> dict[str, str]:
    """The titles of guides, by slug."""
    rows = session.execute(select(Guide.slug, Guide.title).order_by(Guide.position, Guide.id))
    return dict(rows.all())


def as_asked() -> dict[str, Any]:
    """The choices in the page's address."""
    without = [
        int(one) for one in request.args.getlist("without")[:MOST] if one.isascii() and one.isdigit() and len(one) < 19
    ]
    return {"article": asked_id("article"), "audience": words_asked("audience"), "without": without,
            "had": bool(words_asked("had"))}  # fmt: skip


def chosen(session: Session, audience: str) -> Campaign:
    """An unsaved campaign to a chosen audience."""
    made = Campaign(zone=current_user.zone, created_at=now())
    if audience.startswith(SAVED):
        made.saved_segment = session.get_one(SavedSegment, int(audience.removeprefix(SAVED)))
    elif audience.startswith(TAG):
        made.segment_tag = audience.removeprefix(TAG)
    else:
        made.segment_guide = audience or None
    return made


def leave_out(session: Session, campaign: Campaign, form: LeftOutForm) -> None:
    """Apply the form's exclusions to a campaign."""
    wanted = form.without.data or []
    campaign.left_out = [one for one in segments.every(session) if one.id in wanted]
    campaign.leaves_out_had = bool(form.had.data)


def tell_sizes(session: Session, form: CampaignForm) -> None:
    """Put the size of each audience before its name, because phones cut off the end of a long one."""
    for choice in form.audience.choices:
        size = chosen(session, choice.value).audience(now()).size(session)
        choice.label = ngettext("%(num)s person: %(whom)s", "%(num)s people: %(whom)s", size, num=number(size),
                                whom=choice.label)  # fmt: skip


def seen_of(session: Session, form: CampaignForm) -> dict[str, Any] | None:
    """The template's variables for the audience chosen in a form; None if the article or audience is not offered."""
    offered = {one.value for one in form.audience.choices}
    shown = next((one.value for one in form.article.choices), 0)  # browsers preselect it
    article = session.get(Article, form.article.data or shown)
    if article is None or (form.audience.data or "") not in offered:
        return None
    made = chosen(session, form.audience.data or "")
    made.article = article
    leave_out(session, made, form)
    return seen(session, made)


def seen(session: Session, campaign: Campaign) -> dict[str, Any]:
    """The template's variables for a campaign's audience; for an A/B test, that of all its parts together."""
    topic = session.get(Topic, campaign.topic_id) if campaign.topic_id else None
    glance = Glance.of(session, replace(campaign.audience(now()), slice=None))
    return {"campaign": campaign, "guides": titles(session), "topic": topic, "glance": glance}


@door.get("/campaigns/whom.json", endpoint="campaign_whom")
def tell_whom() -> Response:
    """The audience as HTML in JSON, for the script on the page of a new campaign, or of a draft (`campaign`).

    `again`: whether it is still being counted, so that the script asks again a second later.
    """
    with reading() as session:
        told = _asked_for(session)
        html = render_template("owner/whom.html", **told) if told else ""
        again = bool(told and told["glance"].people is None)
    answer = jsonify(html=html, again=again)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _asked_for(session: Session) -> dict[str, Any] | None:
    asked = as_asked()
    if draft := asked_id("campaign"):
        return seen(session, _as_asked(session, one_or_404(session, Campaign, draft), asked))
    return seen_of(session, campaign_form(session, formdata=None, data=asked))


def as_ticked(session: Session, campaign: Campaign) -> Campaign:
    """A draft with the exclusions in the request's address, if any; a copy that must not be saved."""
    return _as_asked(session, campaign, as_asked()) if "left_out" in request.args else campaign


def _as_asked(session: Session, campaign: Campaign, asked: dict[str, Any]) -> Campaign:
    made = Campaign(article=campaign.article, zone=campaign.zone, created_at=now())
    made.id, made.part, made.lot, made.share = campaign.id, campaign.part, campaign.lot, campaign.share
    made.to_the_same(campaign)
    leave_out(session, made, LeftOutForm(None, data=asked))
    return made


def take_along(session: Session, campaign: Campaign) -> bool:
    """Apply the exclusions submitted with another form; return False if one of the segments no longer exists."""
    if not request.form.get("left_out") or campaign.stored_state is not CampaignState.DRAFT:
        return True
    form = left_out_form(session, campaign, typed=True)
    if campaign.left_out_rules is not None or not form.validate():
        return campaign.left_out_rules is not None
    test = ab_test_of(session, campaign)
    for one in test.both if test else (campaign,):
        leave_out(session, one, form)
    return True


@door.post("/campaigns/<row:id>/left-out", endpoint="campaign_left_out")
def save(id: int) -> Any:
    """Change a draft's exclusions; for a test, those of both halves."""
    with transaction() as session:
        campaign = one_or_404(session, Campaign, id, lock=True)
        if campaign.stored_state is not CampaignState.DRAFT or campaign.left_out_rules is not None:
            told = _("Who gets it is changed in a draft; this one is %(state)s.", state=word(campaign.state))
            if campaign.left_out_rules is not None:
                told = _("It goes to some of those of another campaign, so who gets it is settled.")
            return back("campaign", told, "info", id=id)
        if not take_along(session, campaign):
            return back("campaign", _(GONE), "danger", id=id)
        note(session, marked("campaign leaves out others"), str(id))
    return back("campaign", _("Saved. This is who gets it now."), id=id, _anchor="whom")
