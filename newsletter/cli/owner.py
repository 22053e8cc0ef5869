"""The `owner` commands."""

import secrets

import click

from newsletter import accounts, credentials, login_address
from newsletter.accounts import Role
from newsletter.cli.opened import opened
from newsletter.credentials import Way
from newsletter.subscribers import BadAddress, read_address


@click.group()
def owner() -> None:
    """Who may sign in to the owner's area."""


@owner.command()
@click.argument("email")
@click.option("--ask", is_flag=True, help="Ask for the password. Without this, one is made and printed.")
@click.option("--role", type=click.Choice([one.value for one in Role]), default=Role.OWNER.value, show_default=True,
              help="What they may do.")  # fmt: skip
def create(email: str, ask: bool, role: str) -> None:
    """Add somebody to the team."""
    password = _chosen(ask)
    try:
        email = read_address(email).email
    except BadAddress as error:
        raise click.BadParameter(error.told(), param_hint="EMAIL") from None
    with opened() as rt, rt.database.transaction() as session:
        if accounts.find(session, email):
            raise click.ClickException(f"{email} may sign in already; `newsletter owner reset-password {email}` helps.")
        try:
            made = credentials.add_owner(session, email, password, rt.clock.now(), role=Role(role))
        except accounts.WeakPassword as error:
            raise click.ClickException(str(error)) from None
        accounts.note(session, made, rt.clock.now(), "owner.created", f"{role}, from the command line")
    click.echo(f"{email} may sign in with the password {'that you typed' if ask else password}")


@owner.command("reset-password")
@click.argument("email")
@click.option("--ask", is_flag=True, help="Ask for the password. Without this, one is made and printed.")
def reset_password(email: str, ask: bool) -> None:
    """Give an owner a new password; every session of theirs ends."""
    password = _chosen(ask)
    with opened() as rt, rt.database.transaction() as session:
        found = accounts.find(session, email)
        if found is None:
            raise click.ClickException(
                f"No owner has the address {email}; `newsletter owner create {email}` makes one."
            )
        try:
            credentials.change_password(session, found, password, rt.clock.now(), way=Way.COMMAND)
        except accounts.WeakPassword as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"{email} may sign in with the password {'that you typed' if ask else password}")


@owner.command("change-address")
@click.argument("email")
@click.argument("new")
def change_address(email: str, new: str) -> None:
    """Let an owner sign in with another address at once, where no mail can prove it; every session of theirs ends."""
    try:
        to = read_address(new)
    except BadAddress as error:
        raise click.BadParameter(error.told(), param_hint="NEW") from None
    with opened() as rt, rt.database.transaction() as session:
        found = accounts.find(session, email)
        if found is None:
            raise click.ClickException(f"No owner has the address {email}.")
        try:
            login_address.set_by_command(session, found, to, rt.clock.now())
        except login_address.NotChanged as error:
            raise click.ClickException(str(error)) from None
        email = found.email
    click.echo(f"{email} signs in with the same password; a mail to the earlier address says so.")


@owner.command("second-factor-off")
@click.argument("email")
def second_factor_off(email: str) -> None:
    """Let an owner in with the password alone, where phone, passkeys and recovery codes are gone."""
    with opened() as rt, rt.database.transaction() as session:
        found = accounts.find(session, email)
        if found is None:
            raise click.ClickException(f"No owner has the address {email}.")
        if not found.has_second_factor:
            raise click.ClickException(f"{email} has no second factor.")
        credentials.ask_for_password_alone(session, found, rt.clock.now(), way=Way.COMMAND)
    click.echo(f"{email} signs in with the password alone; a mail says so.")


def _chosen(ask: bool) -> str:
    """A typed or generated password; never an argument, which other users and the shell history could see."""
    if ask:
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt="Once more")
        return typed
    return secrets.token_urlsafe(12)
