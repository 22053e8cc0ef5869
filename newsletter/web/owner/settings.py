"""Settings: the brand shown on every page and mail, and the owner's own password and time zone."""

from typing import Any

from flask import render_template
from sqlalchemy.orm import Session

from newsletter import brand, campaigns, credentials
from newsletter.accounts import OwnerSession, WeakPassword, differing, login_change
from newsletter.brand import Brand
from newsletter.credentials import Way
from newsletter.languages import Language, marked
from newsletter.web.language import _
from newsletter.web.owner.address_form import AddressForm
from newsletter.web.owner.door import back, door, note, owner_in
from newsletter.web.owner.forms import BrandForm, PasswordForm, ZoneForm
from newsletter.web.owner.proof import compare
from newsletter.web.owner.session import start_session
from newsletter.web.owner.sessions import browser_named
from newsletter.web.security import limiter
from newsletter.web.state import kept_ip, now, reading, runtime, state, transaction
from newsletter.zones import known_zones

ALL = ("series_wait_days", "digest_weekday", "digest_hour", "language")
BRAND = ("name", "strapline", "author", "email", "phone", "address", "website", "booking", "follow_urls", "zone")


def lost_language(house: Brand) -> tuple[str, Language] | None:
    """(the brand's language, the one used instead) if it has no catalogue, else None."""
    used = runtime().languages.stand_in(house.language)
    return (house.language, used) if used else None


@door.get("/settings", endpoint="settings")
def show() -> Any:
    """Show all forms."""
    with reading() as session:
        return page(session)


def page(session: Session, brand_form: BrandForm | None = None, zone_form: ZoneForm | None = None,
         password_form: PasswordForm | None = None, address_form: AddressForm | None = None) -> Any:  # fmt: skip
    """The page, with what was typed in the submitted form."""
    house, owner = brand.current(session), owner_in(session)
    seen = render_template(
        "owner/settings.html", owner=owner, lost_language=lost_language(house),
        zones=known_zones(), at=now(), named=browser_named,
        sessions=OwnerSession.every(session, owner.id, now()), counts_clicks=house.counts_clicks,
        refuses_throwaway=house.refuses_throwaway,
        has_counted_clicks=house.has_counted_clicks, site_host=runtime().settings.site_host,
        brand_form=brand_form or BrandForm(formdata=None, obj=house),
        zone_form=zone_form or ZoneForm(formdata=None, obj=owner),
        password_form=password_form or PasswordForm(formdata=None),
        address_form=address_form or AddressForm(formdata=None),
        other_address=login_change.waiting(session, owner.id, now()),
    )  # fmt: skip
    return seen, 422 if brand_form or zone_form or password_form or address_form else 200


@door.post("/settings/brand", endpoint="settings_brand")
def save_brand() -> Any:
    """Save the brand. Sent mails keep the old one; new mails carry the new one."""
    with transaction() as session:
        form, house = BrandForm(), brand.current(session)
        if not form.validate():
            return page(session, brand_form=form)
        before = {name: getattr(house, name) for name in (*BRAND, *ALL)}
        changed = [name for name in BRAND if getattr(house, name) != (form[name].data or "")]
        for name in changed:
            setattr(house, name, form[name].data or "")
        if form.language.data != house.language:
            house.speak(form.language.data, runtime().languages)
            changed.append("language")
        days = form.series_wait_days.data
        if days is not None and days != house.series_wait_days:
            house.series_wait_days = days
            changed.append("series_wait_days")
        for name in ("digest_weekday", "digest_hour"):
            if form[name].data not in (None, getattr(house, name)):
                setattr(house, name, form[name].data)
                changed.append(name)
                campaigns.digest_times_changed(session, now())
        if changed:
            now_there = {name: getattr(house, name) for name in before}
            note(session, marked("brand saved"), ", ".join(changed), differing(before, now_there))
    return back("settings", _("Saved.") if changed else _("Nothing was different."))


@door.post("/settings/zone", endpoint="settings_zone")
def save_zone() -> Any:
    """Save the time zone in which this owner reads and schedules."""
    with transaction() as session:
        form, owner = ZoneForm(), owner_in(session)
        if not form.validate():
            return page(session, zone_form=form)
        before, owner.zone = owner.zone, form.zone.data or "UTC"
        note(session, marked("own zone saved"), owner.zone, differing({"zone": before}, {"zone": owner.zone}))
    return back("settings", _("Times are shown in %(zone)s now.", zone=owner.zone))


@door.post("/settings/password", endpoint="settings_password")
@limiter.limit("10 per minute")
def save_password() -> Any:
    """Save a new password; ends every other session, and renews this one's cookie."""
    form = PasswordForm()
    error, wait = compare(form.old.data or "", "for a new one") if form.validate() else ("", 0)
    if error:
        form.old.errors = [error]
    with transaction() as session:
        owner = owner_in(session)
        if not form.errors:
            try:
                credentials.change_password(session, owner, form.new.data or "", now(), way=Way.PAGE, ip=kept_ip())
            except WeakPassword as weak:
                form.new.errors = [str(weak)]
                credentials.note_refused(session, owner, now(), way=Way.PAGE, ip=kept_ip())
        if form.errors:
            seen, code = page(session, password_form=form)
            return (seen, 429, {"Retry-After": str(wait)}) if wait else (seen, code)
        start_session(session, owner)
    state().trigger.wake()
    return back("settings", _("Your password is changed, and every other session has ended."))
