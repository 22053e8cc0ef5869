"""The team: members and their roles, invitations, and the page on which invited people choose a password."""

from collections.abc import Callable
from typing import Any

from flask import abort, make_response, render_template, request
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from newsletter import brand, characters, team
from newsletter.accounts import Invitation, Role, WeakPassword
from newsletter.links import BadLink, Purpose
from newsletter.subscribers import BadAddress, read_address
from newsletter.team import NotChanged
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.door import back, door
from newsletter.web.owner.forms import NewPasswordForm
from newsletter.web.owner.permissions import ROLES
from newsletter.web.owner.proof import asks_password
from newsletter.web.owner.session import is_known, signed_out
from newsletter.web.security import limiter
from newsletter.web.state import kept_ip, now, reading, runtime, state, transaction
from newsletter.web.typed_form import TypedForm

MAY = {
    Role.OWNER: lazy("Everything: also the settings, the team, all people as a file, and erasing many."),
    Role.EDITOR: lazy("Writes and sends; changes series, guides, forms, topics and people; imports lists."),
    Role.WRITER: lazy("Writes articles and drafts campaigns; asks for approval before anything goes out."),
    Role.VIEWER: lazy("Sees everything but secrets and files of people, and changes nothing."),
}
"""What each role may do, as shown on pages."""
INVITATIONS = "20 per hour"


class InviteForm(TypedForm):
    """The address and role of a new member."""

    email = StringField(
        lazy("E-mail address"), [DataRequired(lazy("Please type an e-mail address.")), Length(max=254)],
        filters=[characters.line],
    )  # fmt: skip
    role = SelectField(lazy("Role"), default=Role.WRITER.value)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.role.choices = [SelectChoice(one.value, ROLES[one]) for one in Role]

    def validate_email(self, field: StringField) -> None:
        """Check the address's syntax."""
        try:
            read_address(field.data or "")
        except BadAddress as error:
            raise ValidationError(in_words(error.told())) from None


@door.get("/team", endpoint="team")
def show() -> Any:
    """List members and invitations."""
    with reading() as session:
        return _page(session, InviteForm(formdata=None))


def _page(session: Session, form: InviteForm) -> Any:
    page = render_template(
        "owner/team.html", people=team.everybody(session), invited=team.invited(session), form=form, roles=ROLES,
        may_do=MAY, owners=sum(one.role is Role.OWNER for one in team.everybody(session)), at=now(),
    )  # fmt: skip
    return page, 422 if form.errors else 200


@door.post("/team/invite", endpoint="team_invite")
@limiter.limit(INVITATIONS)
@asks_password
def invite() -> Any:
    """Invite somebody."""
    form = InviteForm()
    with transaction() as session:
        if not form.validate():
            return _page(session, form)
        address, role = read_address(form.email.data or ""), Role(form.role.data)
        try:
            made = team.invite(session, current_user.owner_id, address, role, now(), keys=runtime().secrets)
        except NotChanged as error:
            form.email.errors = [in_words(error)]
            return _page(session, form)
        told = _("An invitation is on its way to %(email)s.", email=made.email)
    state().trigger.wake()
    return back("team", told)


@door.post("/team/invitations/<row:id>/<any(again, withdraw):verb>", endpoint="team_invitation")
@limiter.limit(INVITATIONS)
@asks_password
def change_invitation(id: int, verb: str) -> Response:
    """Resend an invitation with a new link, or withdraw it."""

    def act(session: Session) -> str:
        if verb == "again":
            made = team.invite_again(session, current_user.owner_id, id, now())
            return _("A new link is on its way to %(email)s; the one before is over.", email=made.email)
        return _("Withdrawn: the link that %(email)s got opens nothing any more.",
                 email=team.withdraw(session, current_user.owner_id, id, now()))  # fmt: skip

    return _changed(act)[1]


@door.post("/team/<row:id>/role", endpoint="team_role")
@asks_password
def change_role(id: int) -> Response:
    """Change a member's role, and notify them by mail."""
    role = next((one for one in Role if one == request.form.get("role")), None) or abort(400, _("Choose a role."))

    def act(session: Session) -> str:
        them = team.change_role(session, current_user.owner_id, id, role, now())
        return _("%(email)s is %(role)s now. A mail tells them.", email=them.email, role=ROLES[role])

    is_done, answer = _changed(act)
    return back("dashboard") if is_done and id == current_user.owner_id else answer


@door.post("/team/<row:id>/remove", endpoint="team_remove")
@asks_password
def remove(id: int) -> Response:
    """Remove a member, ending their sessions at once."""
    if request.form.get("sure") != "yes":
        return back("team", _("Nobody was removed: tick the box to say that you are sure."), "info")

    def act(session: Session) -> str:
        them = team.remove(session, current_user.owner_id, id, now())
        return _("%(email)s is removed and signed out everywhere. A mail tells them.", email=them.email)

    is_done, answer = _changed(act)
    return signed_out() if is_done and id == current_user.owner_id else answer


def _changed(act: Callable[[Session], str]) -> tuple[bool, Response]:
    """(whether it was done, the answer that says so)."""
    try:
        with transaction() as session:
            told = act(session)
    except NotChanged as error:
        return False, back("team", in_words(error), "info")
    state().trigger.wake()
    return True, back("team", told)


@door.route("/invitation/<token>", methods=["GET", "POST"])
@limiter.limit("10 per minute", methods=["POST"])
def invitation(token: str) -> Any:
    """Choose a password and join. Opening the page does not consume the link."""
    try:
        numbers = runtime().signer.numbers(Purpose.INVITATION, token)
    except BadLink:
        return _over()
    with reading() as session:
        found, name = Invitation.of(session, numbers, now()), brand.current(session).name
        if found is None:
            return _over()
        asked = {"email": found.email, "role": ROLES[found.role], "may_do": MAY[found.role], "name": name}
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            with transaction() as session:
                owner = team.accept(session, numbers, form.new.data or "", now(), ip=kept_ip())
        except WeakPassword as error:
            form.new.errors = [in_words(error)]
        else:
            return _joined(owner.id) if owner else _over()
    answer = make_response(render_template("owner/invitation.html", form=form, **asked), 422 if form.errors else 200)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _joined(owner_id: int) -> Response:
    is_known(owner_id)
    state().trigger.wake()
    return back("login", _("You are in the team. Please sign in with your address and the password you just chose."))


def _over() -> Any:
    return render_template("owner/invitation.html", form=None), 410
