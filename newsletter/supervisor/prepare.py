"""Prepares a start before anything runs: the database, its seeds, its owner, and the send lock."""

from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import accounts, backup, brand, installation, schema, seeds
from newsletter.db import Database
from newsletter.languages import Languages, UnknownLanguage, said
from newsletter.mail.ledger.queue import newest
from newsletter.mail.notice import tell_owners
from newsletter.mail.render import BadFrame, compiled_frame, frame_key
from newsletter.runtime import build
from newsletter.settings import ROOT, Settings
from newsletter.subscribers import Subscriber
from newsletter.supervisor.alone import StartError
from newsletter.supervisor.first_owner import FirstOwner, ensure_owner

log = structlog.get_logger()
OTHER_KEY = (
    "SECRET_KEY (or the file DATA_DIR/secret_key) is not the key that the links in this installation's mails are "
    "signed with: unsubscribing by them would not work. Put the old key back, or, if it was changed on purpose, put "
    "the old one into SECRET_KEY_OLD (several, separated by commas). If it is lost: `newsletter up --new-key` goes on "
    "with this one; links in mails that were sent before then stop working, and who was erased can be signed up again."
)
HELD = (
    "The database was not brought up to date, and nothing has changed: another program holds its tables. Stop the "
    "product and its workers on every host, and whatever else reads this database, then try again."
)


def prepare(settings: Settings, new_key: bool = False) -> FirstOwner:
    """Migrate the database, seed a new one, and make sure there is an owner. Raises StartError."""
    backup.finish(settings)
    settings.secret  # noqa: B018 - created now, before several processes would try to
    database = Database(settings.database)
    rt = build(settings, database=database)
    try:
        schema.upgrade(database)
        with database.transaction() as session:
            seeds.plant(session, ROOT, rt.clock.now())
            keys = (rt.signer.key_prints, newest(session), rt.clock.now())
            if new_key:
                brand.current(session).forget_keys(session, *keys)
            elif brand.current(session).adopt(session, *keys):
                accounts.note(session, None, rt.clock.now(), "key changed")
            _settle(session, settings, database, rt.clock.now())
            owner = ensure_owner(session, settings, rt.clock.now())
            _tell_of_language(session, rt.languages, rt.clock.now())
            _renew_frame(session, rt.renderer.folder, rt.clock.now())
            return owner
    except UnknownLanguage as error:
        raise StartError(f"site.toml, language: {error}") from None
    except schema.TablesHeld:
        raise StartError(HELD) from None
    except brand.LostKey:
        raise StartError(OTHER_KEY) from None
    finally:
        rt.close()


def _tell_of_language(session: Session, languages: Languages, now: datetime) -> None:
    """Notify the owner, once per language, if pages and mails cannot be in the chosen one and use another."""
    chosen = brand.current(session).language
    used = languages.stand_in(chosen)
    if used is None:
        return
    log.warning("no catalogue for the brand's language", chosen=chosen, used=used.code)
    lines = (
        said("Your settings name the language “%(chosen)s”, and there is no catalogue for it.", chosen=chosen),
        said(
            "Until you choose another, pages and mails are in %(name)s, and say so. Nothing else has changed.",
            name=used.name,
        ),
    )
    tell_owners(session, now, key=f"language:{chosen}", title=said("Your pages are in another language"), lines=lines,
               button=said("Choose a language"), path="/owner/settings")  # fmt: skip


def _renew_frame(session: Session, folder: Path, now: datetime) -> None:
    """Recompile the layout of mails for the owner's theme if this version changed it.

    If that fails, the last good one stays in use, and the owner is notified once.
    """
    theme = brand.current(session).theme
    if theme is None or theme.frame_key == (key := frame_key(folder, theme.look)):
        return
    try:
        theme.frame, theme.frame_key = compiled_frame(folder, theme.look), key
    except BadFrame as error:
        log.warning("the layout of mails stays as it was", reason=str(error))
        lines = (error.args[0], said("Mail goes on as it looked before. Save your theme once more, or take it back."))
        tell_owners(session, now, key=f"theme:{key[:32]}", title=said("Your theme could not be renewed"), lines=lines,
                    button=said("Look at it"), path="/owner/theme")  # fmt: skip


def _settle(session: Session, settings: Settings, database: Database, now: datetime) -> None:
    """Lock sending if this database was restored or copied: it is not in the place or state in which it was left."""
    here, folder = installation.current(session), settings.data_dir
    home = installation.home_of(session, folder, is_sqlite=database.is_sqlite)
    reason = here.settle(home, installation.kept_witnesses(folder) if database.is_sqlite else ())
    if reason is not None and session.scalar(select(Subscriber.id).limit(1)):  # else there is nobody to mail
        here.lock(reason, newest(session), here.witnessed_at, now)
    if database.is_sqlite:
        here.witness, here.witnessed_at = installation.keep_witness(folder, here.witness), now
