"""Commands about owners."""

import secrets

import click

from newsletter import accounts
from newsletter.cli.opened import opened
from newsletter.subscribers import BadAddress, read_address


@click.group()
def owner() -> None:
    """Who may sign in to the owner's area."""


@owner.command()
@click.argument("email")
@click.option("--password", help="Without it, one is made and printed.")
def create(email: str, password: str | None) -> None:
    """Add an owner."""
    password = password or secrets.token_urlsafe(12)
    try:
        email = read_address(email).email
    except BadAddress as error:
        raise click.BadParameter(str(error), param_hint="EMAIL") from None
    with opened() as rt, rt.database.transaction() as session:
        if accounts.find(session, email):
            raise click.ClickException(f"{email} is an owner already; `newsletter owner reset-password {email}` helps.")
        try:
            made = accounts.create(session, email, password, rt.clock.now())
        except accounts.WeakPassword as error:
            raise click.ClickException(str(error)) from None
        accounts.note(session, made, rt.clock.now(), "owner.created", "from the command line")
    click.echo(f"{email} may sign in with the password {password}")


@owner.command("reset-password")
@click.argument("email")
@click.option("--password", help="Without it, one is made and printed.")
def reset_password(email: str, password: str | None) -> None:
    """Give an owner a new password; every session of theirs ends."""
    password = password or secrets.token_urlsafe(12)
    with opened() as rt, rt.database.transaction() as session:
        found = accounts.find(session, email)
        if found is None:
            raise click.ClickException(
                f"No owner has the address {email}; `newsletter owner create {email}` makes one."
            )
        try:
            found.set_password(password)
        except accounts.WeakPassword as error:
            raise click.ClickException(str(error)) from None
        accounts.note(session, found, rt.clock.now(), "owner.password", "reset from the command line")
    click.echo(f"{email} may sign in with the password {password}")
