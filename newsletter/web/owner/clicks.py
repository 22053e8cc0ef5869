"""Clicks: switches counting on or off, in all mails or per article, and deletes records."""

from flask import request
from werkzeug.wrappers import Response

from newsletter import brand, clicks
from newsletter.articles import Article
from newsletter.languages import marked
from newsletter.subscribers import Subscriber
from newsletter.web.language import _, lazy, ngettext
from newsletter.web.owner.display import number
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.state import now, transaction

ON = lazy("Clicks are counted in mails that go out from now on. Your privacy page says so now; read it once.")
OFF = lazy(
    "Clicks are no longer counted: links in new mails lead straight there, and those in older mails record nothing."
)


@door.post("/settings/clicks", endpoint="settings_clicks")
def switch() -> Response:
    """Start or stop counting clicks. Existing records stay until deleted."""
    on = request.form.get("clicks") == "on"
    with transaction() as session:
        house = brand.current(session)
        if house.counts_clicks != on:
            house.count_clicks(on)
            note(session, marked("clicks counted") if on else marked("clicks no longer counted"))
    return back("settings", ON if on else OFF)


@door.post("/settings/clicks/delete", endpoint="settings_clicks_delete")
def delete() -> Response:
    """Delete all records of clicks."""
    if request.form.get("sure") != "yes":
        return back("settings", _("Nothing was deleted: tick the box to say that you are sure."), "info")
    with transaction() as session:
        gone = clicks.delete_all(session)
        house = brand.current(session)
        house.has_counted_clicks = house.counts_clicks
        note(session, marked("clicks deleted"), f"{gone:,}")
    return back(
        "settings", ngettext("%(num)s click is deleted.", "%(num)s clicks are deleted.", gone, num=number(gone))
    )


@door.post("/articles/<row:id>/clicks", endpoint="article_clicks")
def of_article(id: int) -> Response:
    """Count clicks in one article's mails, or leave its links direct. `campaign`: the page to return to."""
    on = request.form.get("clicks") == "on"
    with transaction() as session:
        article = one_or_404(session, Article, id, lock=True)
        if article.counts_clicks != on:
            article.counts_clicks = on
            note(
                session,
                marked("clicks counted") if on else marked("clicks not counted"),
                f"article {id} {article.title}",
            )
    told = _("Clicks are counted in it.") if on else _("Its links lead straight there, and nothing is counted.")
    campaign = request.form.get("campaign", "")
    if campaign.isascii() and campaign.isdigit() and len(campaign) < 19:
        return back("campaign", told, id=int(campaign))
    return back("result", told, id=id)


@door.post("/subscribers/<row:id>/clicks", endpoint="subscriber_clicks")
def of_person(id: int) -> Response:
    """At a person's request, delete their clicks and stop recording them, or record them again."""
    wanted = request.form.get("clicks") == "on"
    with transaction() as session:
        person = one_or_404(session, Subscriber, id, lock=True)
        if wanted:
            clicks.withdraw_objection(session, person.id)
        else:
            clicks.object_to(session, person.id, now())
        note(
            session,
            marked("clicks of a subscriber"),
            f"{id} {'recorded again' if wanted else 'forgotten, and not recorded'}",
        )
    told = (
        _("Clicks are recorded as everybody's.") if wanted else _("Their clicks are deleted, and no longer recorded.")
    )
    return back("subscriber", told, id=id)
