"""The `examples` commands: list and remove the shipped examples."""

import click

from newsletter import accounts
from newsletter.cli.opened import opened
from newsletter.examples import Example, going, listed, remove


@click.group("examples")
def examples() -> None:
    """The articles, series and guides that a new installation comes with."""


@examples.command("list")
def list_examples() -> None:
    """What would go, and what stays and why."""
    with opened() as rt, rt.database.reading() as session:
        found = listed(session, rt.guides)
    _tell(found)


@examples.command("remove")
@click.option("--guides", is_flag=True, help="Hide the guides too, and close their forms.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_examples(guides: bool, yes: bool) -> None:
    """Take away what nobody has made their own. Articles are deleted for good; a backup brings them back."""
    with opened() as rt:
        with rt.database.reading() as session:
            found = listed(session, rt.guides)
        _tell(found)
        if not yes:
            click.confirm("Remove what goes?", abort=True)
        with rt.database.transaction() as session:
            gone = remove(session, rt.guides, rt.clock.now(), guides=guides, seen=going(found))
            if gone:
                named = ", ".join(f"{one.kind} {one.id}" for one in gone)
                accounts.note(session, None, rt.clock.now(), "examples removed", named)
    if gone is None:
        raise click.ClickException("Nothing was removed: something has changed meanwhile. Run the command again.")
    click.echo(f"Removed: {len(gone)}")


def _tell(found: list[Example]) -> None:
    for one in found:
        fate = f"stays: {one.stays}" if one.stays else "only with --guides" if one.kind == "guide" else "goes"
        click.echo(f"{one.kind:<9} {fate:<22} {one.name}")
    if not found:
        click.echo("Nothing is left of the examples.")
