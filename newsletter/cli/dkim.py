"""The `dkim` commands, for mail we sign ourselves."""

from pathlib import Path

import click

from newsletter import accounts
from newsletter.cli.opened import opened
from newsletter.mail import signing
from newsletter.mail.render import RSA_NAME, BadKey, DkimKey, key_place, make_key, read_key
from newsletter.settings import Settings, load

RSA, ED25519 = "rsa", "ed25519"
VARIABLES = {
    RSA: ("DKIM_SELECTOR", "DKIM_KEY_FILE"),
    ED25519: ("DKIM_ED25519_SELECTOR", "DKIM_ED25519_KEY_FILE"),
}


@click.group()
def dkim() -> None:
    """Sign mail here, for a relay that does not sign it."""


@dkim.command()
@click.option("--domain", help="Of the sender's address. Default: DKIM_DOMAIN.")
@click.option("--selector", help="The key's name in DNS. Default: DKIM_SELECTOR, else news.")
@click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), help="Default: DKIM_KEY_FILE, else in DATA_DIR."
)
@click.option("--type", "kind", type=click.Choice([RSA, ED25519]), default=RSA, show_default=True,
              help="ed25519 stands beside an RSA key: not every receiver reads it.")  # fmt: skip
@click.option("--bits", type=click.Choice(["2048", "3072", "4096"]), default="2048", show_default=True, help="Of RSA.")
def key(domain: str | None, selector: str | None, file: Path | None, kind: str, bits: str) -> None:
    """Make a key and print the DNS record to publish. Of a key that is there already, the record is printed again."""
    wanted = _wanted(domain, selector, file, kind)
    where, is_new = wanted.dkim_keys[0][2], not wanted.dkim_keys[0][2].exists()
    try:
        if is_new:
            make_key(wanted.dkim_selector, where, int(bits) if kind == RSA else None)
        made = read_key(wanted.dkim_selector, where)
    except (BadKey, OSError) as error:
        raise click.ClickException(str(error)) from None
    if made.is_rsa != (kind == RSA):
        raise click.ClickException(f"{where} holds a key of another type; name another file with --file.")
    click.echo(
        f"{'A new key is in' if is_new else 'The key was there:'} {where}. Keep it secret, and a copy of it safe."
    )
    click.echo(_published(made, wanted.dkim_domain))
    click.echo(_used(wanted, kind))


@dkim.command()
def adopt() -> None:
    """Say that this host's keys are the right ones, where a key was changed and kept its selector."""
    with opened() as rt, rt.database.transaction() as session:
        if rt.renderer.dkim is None:
            raise click.ClickException("Mail is not signed here: DKIM_DOMAIN is not set.")
        changed = signing.other_keys(session, rt.renderer.dkim)
        signing.adopt(session, rt.renderer.dkim, rt.clock.now())
        if changed:
            accounts.note(session, None, rt.clock.now(), "DKIM key changed", f"{', '.join(changed)}, by a command")
        names = ", ".join(signing.prints(rt.renderer.dkim))
    told = "is the right one from now on" if changed else "was known already"
    click.echo(f"The key of {names} {told}. Hosts with another one send nothing until they have its file.")


def _wanted(domain: str | None, selector: str | None, file: Path | None, kind: str) -> Settings:
    """The settings with the requested key as the only one. Raises SettingsError, as a start with them would."""
    now = load()
    known = {
        RSA: (now.dkim_selector, now.dkim_key_file),
        ED25519: (now.dkim_ed25519_selector, now.dkim_ed25519_key_file),
    }
    its_selector, its_file = known[kind]
    name = selector or its_selector or {RSA: RSA_NAME, ED25519: f"{RSA_NAME}-ed25519"}[kind]
    if not (domain or now.dkim_domain):
        raise click.ClickException("Name the domain of the sender's address: --domain example.org")
    kept = its_file if name == its_selector else None
    return load(
        dkim_domain=domain or now.dkim_domain,
        dkim_selector=name,
        dkim_key_file=file or kept or key_place(now.data_dir, name),
        dkim_ed25519_selector="",
        dkim_ed25519_key_file=None,
    )


def _published(key: DkimKey, domain: str) -> str:
    """Instructions for DNS: name and value for forms, and a zone file line (RFC 1035 §5.1)."""
    name = key.host(domain)
    return (
        f"\nPublish this TXT record, and wait until it is seen:\n\n  Name   {name}\n  Value  {key.record}\n\n"
        f"The same in a zone file:\n\n{name}. 3600 IN TXT ( {key.strings} )\n"
    )


def _used(wanted: Settings, kind: str) -> str:
    selector, file = VARIABLES[kind]
    return (
        f"Then set these, and start again:\n\nDKIM_DOMAIN={wanted.dkim_domain}\n{selector}={wanted.dkim_selector}\n"
        f"{file}={wanted.dkim_key_file}"
    )
