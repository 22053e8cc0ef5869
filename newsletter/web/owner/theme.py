"""Theme: the look of mails. Its page previews one mail while typing; saving shows all of them."""

from dataclasses import asdict, replace
from typing import Any

from flask import abort, g, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from newsletter import brand, media
from newsletter.accounts import differing
from newsletter.brand import Brand
from newsletter.contrast import READABLE, contrast, nearest
from newsletter.languages import marked
from newsletter.mail.render import BadFrame, compiled_frame, frame_key
from newsletter.media import BadPicture, Picture
from newsletter.theme import COLOUR, FIRST, NARROWEST_LOGO, SHEET, WIDEST_LOGO, BadTheme, Look
from newsletter.web.bodies import largest
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.display import size
from newsletter.web.owner.door import back, door, note
from newsletter.web.owner.mails import GALLERY, NAMED, as_seen
from newsletter.web.owner.pictures import FULL
from newsletter.web.owner.theme_form import FIELDS, LABELS, ThemeForm, look_of
from newsletter.web.owner.typed import SCHEMES
from newsletter.web.owner.typed import Look as Seen
from newsletter.web.personal import MAIL_PAGE_POLICY
from newsletter.web.state import now, reading, runtime, transaction

SHOWN = ("guide", "confirm", "campaign", "digest", "notice")
"""Mails offered as preview; the gallery shows all."""
CHOICES = 60
"""Pictures offered as logo: the newest of the library."""
EASY = 7.0
"""A contrast ratio that nearly everybody can read easily (WCAG 2.2, 1.4.6)."""
MEANWHILE = lazy(
    "Somebody has saved another theme since you opened this page. Yours is below and not saved: press Save once more "
    "to replace theirs."
)


@door.get("/theme", endpoint="theme")
def show() -> Any:
    """Show the present theme."""
    with reading() as session:
        house = brand.current(session)
        return _page(session, _form(session, house.look, _saves(house)), house.look)


def _saves(house: Brand) -> int:
    return house.theme.saves if house.theme else 0


def _form(session: Session, look: Look | None = None, saves: int = 0) -> ThemeForm:
    """The form as submitted, or with the values of `look`."""
    if look is None:
        form = ThemeForm()
    else:
        kept = {FIELDS[name]: value for name, value in asdict(look).items()}
        form = ThemeForm(formdata=None, data=kept | {"base": str(saves), "logo_width": look.logo_width or None})
    newest = select(Picture).order_by(Picture.id.desc()).limit(CHOICES)
    form.logo.choices = [
        SelectChoice("", _("None: the name in letters")),
        *(SelectChoice(one.name, f"{one.words or one.name} ({one.width} × {one.height})")
          for one in session.scalars(newest)),
    ]  # fmt: skip
    if form.logo.data and form.logo.data not in {choice.value for choice in form.logo.choices}:
        form.logo.choices.append(SelectChoice(form.logo.data[:64], form.logo.data[:64]))
    form.mail.choices = [SelectChoice(name, NAMED[name]) for name in SHOWN]
    return form


def _page(session: Session, form: ThemeForm, look: Look, status: int = 200, told: str = "") -> Any:
    """The page. `look`: as typed; the preview uses only its valid values."""
    house = brand.current(session)
    shown = form.mail.data if form.mail.data in SHOWN else SHOWN[0]
    query = {FIELDS[name]: value for name, value in asdict(look).items() if value not in (False, "", 0)}
    frames = [(scheme, url_for("owner.theme_mail", scheme=scheme, mail=shown, **query)) for scheme in SCHEMES]
    page = render_template(
        "owner/theme.html", form=form, has_theme=house.theme is not None, frames=frames, told=told,
        contrasts=_contrasts(look), narrowest=NARROWEST_LOGO, widest=WIDEST_LOGO, largest=largest("owner.theme_save"),
    )  # fmt: skip
    return page, status


def _contrasts(look: Look) -> list[tuple[str, str, str, str]]:
    """The legibility of these colours: a sentence each, with the field and the colour suggested for it."""
    if not (COLOUR.match(look.accent) and COLOUR.match(look.ground)):
        return []
    on_white, on_ground = contrast(look.accent, SHEET), contrast(look.accent, look.ground)
    told = []
    if on_white < READABLE:
        told.append((_("Buttons and links have a contrast of %(found)s : 1 with white. That is too faint for many "
                       "people; 4.5 : 1 is the least.", found=f"{on_white:.1f}"),
                     "accent", nearest(look.accent, SHEET), _("the nearest that can be read")))  # fmt: skip
    elif on_white < EASY:
        told.append((_("Buttons and links can be read: %(found)s : 1 with white.", found=f"{on_white:.1f}"), *_NONE))
    else:
        told.append(
            (_("Buttons and links are easy to read: %(found)s : 1 with white.", found=f"{on_white:.1f}"), *_NONE)
        )
    if on_ground < READABLE:
        told.append((_("On your ground links have %(found)s : 1 only, so in the footer they take the colour of the "
                       "words there.", found=f"{on_ground:.1f}"),
                     "ground", nearest(look.ground, look.accent), _("a ground on which they can be read")))  # fmt: skip
    else:
        told.append((_("Links in the footer can be read: %(found)s : 1 with the ground.", found=f"{on_ground:.1f}"),
                     *_NONE))  # fmt: skip
    return told


_NONE = ("", "", "")


@door.post("/theme", endpoint="theme_save")
def save() -> Any:
    """Preview what is typed, adopt a suggested colour, or save everything and go to the gallery."""
    with transaction() as session:
        session.scalar(select(Brand.id).with_for_update())  # handles two tabs one after the other
        house, form = brand.current(session), _form(session)
        if name_colour := _offered():
            form[name_colour[0]].data = name_colour[1]
        look = look_of(form.data, house.look)
        if request.form.get("verb") != "save" or name_colour:
            return _page(session, form, look)
        problem = _send_logo(session, form)
        look = look_of(form.data, house.look)
        if problem or not _is_sound(session, form, look):
            return _page(session, form, look, 422)
        if form.base.data != str(_saves(house)):
            form.base.data = str(_saves(house))
            return _page(session, form, look, 409, str(MEANWHILE))
        try:
            told = _take(session, house, look)
        except BadFrame as error:
            unchanged = _("Nothing has changed, and mail goes on.")
            return _page(session, form, look, 500, f"{in_words(error)} {unchanged}")
    return back("mails", told)


def _offered() -> tuple[str, str] | None:
    """(field, colour) of an adopted suggestion, or None."""
    name, _colon, colour = request.form.get("take", "").partition(":")
    return (name, colour) if name in ("accent", "ground") and COLOUR.match(colour) else None


def _send_logo(session: Session, form: ThemeForm) -> bool:
    """Add an uploaded picture to the library and choose it as logo; return whether that failed."""
    if not form.file.data:
        return False
    try:
        made = media.add(
            session, runtime().media, media.prepare(form.file.data.stream), form.logo_words.data or "", now()
        )
    except (BadPicture, OSError) as error:
        form.file.errors = [in_words(error) if isinstance(error, BadPicture) else FULL]
        return True
    note(session, marked("picture added"), made.name)
    form.logo.choices.insert(1, SelectChoice(made.name, made.words or made.name))
    form.logo.data = made.name
    if not form.logo_width.data:
        form.logo_width.data = min(made.width, 240)
    return False


def _is_sound(session: Session, form: ThemeForm, look: Look) -> bool:
    """Whether the theme is valid; if not, adds errors to the fields."""
    try:
        look.check()
    except BadTheme as error:
        field = form[FIELDS[error.field]]
        field.errors = [in_words(error)]
        return False
    if look.logo and session.scalar(select(Picture.id).where(Picture.name == look.logo)) is None:
        form.logo.errors = [_("This picture has been deleted. Choose another one.")]
        return False
    return bool(form.validate())


def _take(session: Session, house: Brand, look: Look) -> str:
    """Store this look, with the differences in the audit log; return the message for the owner. Raises BadFrame."""
    before = house.look
    if look == before and house.theme:
        return _("Nothing was different.")
    folder = runtime().renderer.folder
    house.wear(look, compiled_frame(folder, look), frame_key(folder, look))
    if look.logo:
        media.keep(session, [look.logo])
    note(session, marked("theme saved"), _changes(before, look), differing(asdict(before), asdict(look)))
    return _("Saved. From now on every mail looks like these.")


def _changes(before: Look, after: Look) -> str:
    old, new = asdict(before), asdict(after)
    return ", ".join(f"{name} {_short(old[name])} → {_short(new[name])}" for name in LABELS if old[name] != new[name])


def _short(value: object) -> str:
    words = " ".join(str(value).split())
    return f"{words[:40]}…" if len(words) > 40 else words or "–"


@door.post("/theme/first", endpoint="theme_first")
def go_back() -> Response:
    """Restore the default look. The logo stays in the library."""
    if request.form.get("sure") != "yes":
        return back("theme", _("Nothing has changed: tick the box to say that you are sure."), "info")
    with transaction() as session:
        house = brand.current(session)
        if house.theme:
            before = house.look
            note(session, marked("theme taken back"), _changes(before, FIRST), differing(asdict(before), asdict(FIRST)))
            house.theme = None
    return back("mails", _("Every mail looks as it did at first."))


@door.get("/theme/mail", endpoint="theme_mail")
def mail() -> Any:
    """One mail in the look typed, for a frame. Saves nothing."""
    name, scheme = request.args.get("mail", ""), request.args.get("scheme", "")
    if name not in GALLERY or scheme not in SCHEMES:
        abort(404)
    g.csp = MAIL_PAGE_POLICY
    with reading() as session:
        house = brand.current(session)
        look = _possible(look_of(request.args, house.look), house.look)
        try:
            seen = house.seen_in(look, compiled_frame(runtime().renderer.folder, look))
        except BadFrame as error:
            return in_words(error), 500, {"Content-Type": "text/plain; charset=utf-8"}
        return Seen(scheme, True).of(as_seen(session, name, seen).html)


def _possible(look: Look, known: Look) -> Look:
    """A look with the valid values typed, and those of `known` for the rest."""
    for _try in range(len(FIELDS)):
        try:
            look.check()
        except BadTheme as error:
            if error.field == "accent" and COLOUR.match(look.accent):
                return look  # too faint, which the preview should show
            look = replace(look, **{error.field: getattr(known, error.field)})
            if error.field.startswith("logo"):
                look = replace(look, logo="", logo_words="", logo_width=0)
    return look


def too_large() -> Any:
    """The answer to a logo too large to be read. The other input is lost too; the browser's Back button restores it."""
    with reading() as session:
        house = brand.current(session)
        form = _form(session, house.look, _saves(house))
        form.file.errors = [
            _("This file is larger than %(size)s. Make it smaller first; the browser’s Back button has what you typed.",
              size=size(largest("owner.theme_save")))
        ]  # fmt: skip
        return _page(session, form, house.look, 413)
