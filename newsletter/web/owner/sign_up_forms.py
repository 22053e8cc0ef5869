"""Forms: creates, edits with a preview, copies, archives and deletes them, and gives the code for a site."""

from typing import Any

from flask import g, render_template, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from newsletter import brand, forms, topics
from newsletter.accounts import differing
from newsletter.figures import figure
from newsletter.forms import BadColours, BadHost, Colours, Form, Gives
from newsletter.guides import Guide
from newsletter.languages import marked
from newsletter.media import Picture
from newsletter.sequences import Sequence
from newsletter.subscribers import Consent, all_fields
from newsletter.subscribers.segments import What, naming
from newsletter.web import embed
from newsletter.web.embedded import form_words
from newsletter.web.forms import answer_name, choices_of
from newsletter.web.language import _, in_words, speak, speaking
from newsletter.web.owner.below_articles import below_form, chosen_below
from newsletter.web.owner.door import back, back_to_set_up, door, note, one_or_404
from newsletter.web.owner.form_fields import FormForm, NewFormForm, SitesForm
from newsletter.web.sign_up import asked_by, box, fixed_of, origins, takes_sign_ups, topics_of
from newsletter.web.state import now, reading, runtime, transaction
from newsletter.web.wording import TOPICS_ASKED, newsletter_wording

PLAIN = ("name", "headline", "words", "button", "consent_words", "asks_name", "offers_newsletter", "offers_topics",
         "shows_cover", "picture_words", "ground", "ink", "accent", "after_url")  # fmt: skip

MOST_PICTURES = 60
"""Pictures offered for a form: the newest of the library."""


@door.get("/forms", endpoint="forms")
def index() -> Any:
    """List every form: what it gives, how many signed up with it, where it was last seen."""
    with reading() as session:
        return _index(session)


def _index(session: Session, sites: SitesForm | None = None, new: NewFormForm | None = None) -> Any:
    by_form = select(Consent.form_id, func.count(func.distinct(Consent.subscriber_id))).group_by(Consent.form_id)
    people = figure(session, "people by form", lambda it: dict(it.execute(by_form).all()))
    titles = dict(session.execute(select(Guide.slug, Guide.title)).all())
    page = render_template(
        "owner/forms.html", forms=forms.every(session), people=people, titles=titles,
        seen=forms.sightings(session), at=now(), new=new or _new_form(session, formdata=None),
        sites=sites or SitesForm(formdata=None, data={"sites": brand.current(session).sites}),
        below=below_form(session, formdata=None, data=chosen_below(brand.current(session))),
        website=forms.origin_of(brand.current(session).website), bad_sites=bool(sites),
    )  # fmt: skip
    return page, 422 if sites or new else 200


def _new_form(session: Session, **kwargs: Any) -> NewFormForm:
    form = NewFormForm(**kwargs)
    rows = session.execute(select(Guide.slug, Guide.title).order_by(Guide.position, Guide.id))
    form.gives.choices = [*(SelectChoice(slug, _("The guide “%(title)s”", title=title)) for slug, title in rows),
                          SelectChoice("", _("The newsletter"))]  # fmt: skip
    return form


@door.post("/forms/new", endpoint="form_new")
def new() -> Any:
    """Create a form and open it for editing."""
    with transaction() as session:
        typed = _new_form(session)
        if not typed.validate():
            return _index(session, new=typed)
        guide = session.scalar(select(Guide).where(Guide.slug == typed.gives.data)) if typed.gives.data else None
        if guide is not None:
            made = forms.standard(guide.slug, guide.title, now())
        else:
            made = Form(slug="newsletter", name="", gives=Gives.NEWSLETTER, headline=_("Get our articles by e-mail"),
                        button=_("Subscribe"), offers_newsletter=False, shows_cover=False,
                        created_at=now())  # fmt: skip
        made.accent = brand.current(session).look.accent
        made.name = typed.name.data or ""
        made.slug = forms.free_slug(session, typed.name.data or made.slug)
        session.add(made)
        session.flush()
        note(session, marked("form made"), made.slug)
        return back("form", id=made.id)


@door.post("/forms/sites", endpoint="form_sites")
def save_sites() -> Any:
    """Save the sites on which forms may stand, and to which they may lead."""
    with transaction() as session:
        typed, house = SitesForm(), brand.current(session)
        try:
            before, house.sites = house.sites, "\n".join(forms.read_origins(typed.sites.data or ""))
        except BadHost as error:
            typed.sites.errors = [in_words(error)]
            return _index(session, sites=typed)
        told = house.sites.replace("\n", ", ")[:200]
        note(session, marked("sites of forms saved"), told, differing({"sites": before}, {"sites": house.sites}))
    return back("forms", _("Saved. From now on your forms work on these sites."))


@door.route("/forms/<row:id>", methods=["GET", "POST"], endpoint="form")
def edit(id: int) -> Any:
    """Edit a form beside its preview."""
    with transaction() if request.method == "POST" else reading() as session:
        form = one_or_404(session, Form, id, lock=request.method == "POST")
        if request.method == "GET":
            return _page(form, _form(session, form))
        typed = _form(session, form, sent=True)
        if not typed.validate() or not _is_sound(session, typed):
            return _page(form, typed), 422
        before = _values(form)
        _fill(form, typed)
        note(session, marked("form saved"), form.slug, differing(before, _values(form)))
    return back_to_set_up("form", _("Saved. It holds wherever the form stands."), id=id)


def _form(session: Session, form: Form, sent: bool = False) -> FormForm:
    if sent:
        typed = FormForm()
    else:
        data = {name: getattr(form, name) for name in (*PLAIN, "asks_fields", "fixed_topics")}
        data |= {
            "tags": ", ".join(form.tags),
            "sequence": form.sequence_id or 0,
            "language": form.language or "",
            "picture": form.picture or "",
        }
        typed = FormForm(formdata=None, data=data)
    typed.language.offer(form.language)
    typed.asks_fields.choices = [SelectChoice(one.key, one.label) for one in all_fields(session)]
    typed.fixed_topics.choices = [SelectChoice(one.id, one.name) for one in topics.every(session)
                                  if one.is_open or one.id in form.fixed_topics]  # fmt: skip
    typed.picture.choices = _pictures(session, form.picture)
    rows = session.execute(select(Sequence.id, Sequence.name).order_by(Sequence.id))
    typed.sequence.choices = [SelectChoice(0, _("None")), *(SelectChoice(id, name) for id, name in rows)]
    return typed


def _pictures(session: Session, chosen: str | None) -> list[SelectChoice]:
    """The choices of picture: none, the newest of the library, and the present one."""
    rows = list(session.scalars(select(Picture).order_by(Picture.id.desc()).limit(MOST_PICTURES)))
    named = {one.name: one.words or one.name for one in rows}
    kept = {chosen: chosen} if chosen and chosen not in named else {}
    return [SelectChoice("", _("None")), *(SelectChoice(name, words) for name, words in (kept | named).items())]


def _fill(form: Form, typed: FormForm) -> None:
    for name in PLAIN:
        setattr(form, name, typed[name].data if isinstance(typed[name].data, bool) else typed[name].data or "")
    known = {choice.value for choice in typed.asks_fields.choices}
    form.asks_fields = [key for key in typed.asks_fields.data or () if key in known]
    settled = {choice.value for choice in typed.fixed_topics.choices}
    form.fixed_topics = [id for id in typed.fixed_topics.data or () if id in settled]
    offered = {choice.value for choice in typed.picture.choices}
    form.picture = typed.picture.data if typed.picture.data in offered and typed.picture.data else None
    form.tags = (typed.tags.data or "").split(",")
    form.language = typed.language.chosen
    form.sequence_id = typed.sequence.data or None


def _values(form: Form) -> dict[str, object]:
    return {name: getattr(form, name) for name in (*PLAIN, "asks_fields", "tags", "language", "sequence_id")}


def _colours(typed: FormForm) -> Colours:
    return Colours(*((typed[name].data or "").lower() for name in ("ground", "ink", "accent")))


def _is_sound(session: Session, typed: FormForm) -> bool:
    """Whether it is readable and leads to one of the owner's sites; if not, adds errors to the fields."""
    try:
        _colours(typed).check()
    except BadColours as error:
        typed.accent.errors = [in_words(error)]
    after, local = typed.after_url.data or "", runtime().settings.is_local
    if after and not forms.may_lead_to(after, origins(brand.current(session)), local=local):
        typed.after_url.errors = [
            _(
                "Forms lead only to your own sites, so that nobody is sent to a stranger's. Add the site to the "
                "list on the page Forms first; an address begins with https://."
            )
        ]
    return not typed.errors


def _page(form: Form, typed: FormForm) -> str:
    return render_template("owner/form.html", row=form, form=typed, url=_url(form))


def _url(form: Form) -> str:
    return f"{runtime().settings.site}/f/{form.slug}"


@door.post("/forms/<row:id>/preview", endpoint="form_preview")
def preview(id: int) -> Any:
    """The form as typed, for a frame. Saves nothing, and its button does nothing."""
    with reading() as session:
        form = one_or_404(session, Form, id)
        typed = _form(session, form, sent=True)
        try:
            _colours(typed).check()
        except BadColours as error:
            return in_words(error), 422, {"Content-Type": "text/plain; charset=utf-8"}
        with session.no_autoflush:
            _fill(form, typed)
            speak(form.language)
            page = embed.frame(session, box(session, form, brand.current(session), formdata=None), "", action="")
        g.csp = g.csp.replace("form-action 'self'", "form-action 'none'")
        return page


@door.get("/forms/<row:id>/code", endpoint="form_code")
def code(id: int) -> str:
    """Show the code to copy into a site, and where to put it."""
    with reading() as session:
        form = one_or_404(session, Form, id)
        house = brand.current(session)
        with speaking(form.language):
            newsletter = newsletter_wording(house, fixed_of(session, form))
            typed = box(session, form, house, formdata=None)
        return render_template(
            "owner/form_code.html", row=form, newsletter=newsletter, site=runtime().settings.site,
            url=_url(form), at=now(), seen=forms.sightings(session).get(form.id, []), height=_height(session, form),
            sites=origins(house), asked=asked_by(session, form),
            choices_of=choices_of, answer_name=answer_name, topics=topics_of(session, form), topics_asked=TOPICS_ASKED,
            is_waiting=form.is_open and not takes_sign_ups(session, form), consent=typed.consent_note,
            agreed=typed.agreed.data,
        )  # fmt: skip


def _height(session: Session, form: Form) -> int:
    """Height in pixels to reserve for it in a column 300 wide, so that the page does not jump when it loads."""
    said = form_words(session, form)
    lines = -(-len(said["headline"]) // 18) * 24 + -(-len(said["words"]) // 22) * 24
    with_box = form.offers_newsletter and not form.gives_newsletter
    choices = len(topics_of(session, form))
    asked = 80 * (form.asks_name + len(form.asks_fields)) + 90 * with_box + (80 + 28 * choices if choices else 0)
    return max(lines, 116 if form.shows_cover or form.picture else 0) + 320 + asked


@door.post("/forms/<row:id>/<any(copy, archive, restore):verb>", endpoint="form_do")
def do(id: int, verb: str) -> Response:
    """Copy, archive or restore it."""
    with transaction() as session:
        form = one_or_404(session, Form, id, lock=True)
        note(session, f"form {verb}", form.slug)
        if verb == "copy":
            made = forms.copy_of(session, form, now())
            session.flush()
            return back("form", _("This is the copy. It has a name and an address of its own."), id=made.id)
        if verb == "archive":
            form.archive(now())
            return back(
                "forms", _("“%(name)s” takes no sign-ups any more; where it still stands, it says so.", name=form.name)
            )
        form.restore()
    return back("forms", _("“%(name)s” takes sign-ups again.", name=form.name))


@door.route("/forms/<row:id>/delete", methods=["GET", "POST"], endpoint="form_delete")
def delete(id: int) -> Any:
    """Ask for confirmation, then delete it. Consents given with it remain."""
    with transaction() if request.method == "POST" else reading() as session:
        form = one_or_404(session, Form, id, lock=request.method == "POST")
        if request.method == "GET":
            counts = func.count(), func.count().filter(Consent.confirmed_at.is_(None), Consent.ended_at.is_(None))
            agreed, waiting = session.execute(select(*counts).where(Consent.form_id == id)).one()
            return render_template(
                "owner/form_delete.html", row=form, agreed=agreed, waiting=waiting, at=now(),
                seen=forms.sightings(session).get(id, []), segments=naming(session, What.FORM, id),
            )  # fmt: skip
        session.delete(form)
        note(session, marked("form deleted"), form.slug)
    return back("forms", _("“%(name)s” is deleted. What people agreed to by it is kept.", name=form.name))
