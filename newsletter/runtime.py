"""Runtime: everything a process needs, assembled in one place. Tests replace parts of it by name."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from dns.resolver import Resolver
from sqlalchemy.orm import Session

from newsletter import bulk_actions, feed_mail, feedback, feeds, imports, installation, link_checks, local_mail, sending
from newsletter.clock import Clock, MovableClock, SharedClock, SystemClock
from newsletter.db import Database
from newsletter.fetch import Fetcher
from newsletter.guides import Files
from newsletter.imports.uploads import forget_naming
from newsletter.languages import Languages
from newsletter.lateness import Lateness
from newsletter.links import Signer
from newsletter.mail import journal
from newsletter.mail.delivery import Delivery
from newsletter.mail.render import BadKey, Dkim, Renderer, read_key
from newsletter.mail.throttle import Throttle, Unlimited
from newsletter.mail_domains import AnyDomain, MailDomains
from newsletter.preflight import spam
from newsletter.settings import ROOT, Settings, SettingsError
from newsletter.smtp import Allowances, SmtpTransport, Transport, parse_relays
from newsletter.subscribers import forget_earlier, outlived_addresses

GATHER = 300.0
"""Seconds between one worker's searches for links in use."""


@dataclass
class Runtime:
    """One per process, built at its door. Nothing in it connects before it is used."""

    settings: Settings
    database: Database
    clock: Clock
    signer: Signer
    renderer: Renderer
    transport: Transport
    guides: Files
    languages: Languages = field(default_factory=Languages)
    throttle: Throttle = field(default_factory=Unlimited)
    domains: MailDomains = field(default_factory=AnyDomain)
    resolver: Callable[[], Resolver] = Resolver
    """Makes the DNS resolver for checks of the sender's domain."""
    links_gathered_at: float = float("-inf")
    """When this process last searched for links in use, by its monotonic clock."""

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """The secret key, followed by retired ones."""
        return self.settings.secrets

    @property
    def sign_ups_per_domain(self) -> int:
        """How many unproven addresses per domain may be mailed in a day; 0: any number."""
        return self.settings.sign_ups_per_domain

    @property
    def delivery(self) -> Delivery:
        """A new Delivery on this runtime's database, clock and transport."""
        database, clock = self.database, self.clock
        return Delivery(
            transaction=database.transaction,
            renderer=self.renderer,
            transport=self.transport,
            now=clock.now,
            journals=self.journals,
            suppress=feedback.suppress,
            throttle=self.throttle,
            pause_at=self.settings.pause_at_refused / 100,
        )

    @cached_property
    def lateness(self) -> Lateness:
        """The record of whether this host's pages were slow a moment ago."""
        return Lateness.of(self.settings.data_dir)

    @cached_property
    def fetcher(self) -> Fetcher:
        """The fetcher of other sites' pages and feeds; only a local installation may fetch from loopback."""
        return Fetcher(local=self.settings.is_local)

    @cached_property
    def clicks(self) -> feedback.ClickJournal:
        """The journal in which clicks wait on this host until they are stored."""
        return feedback.ClickJournal(self.settings.data_dir / "clicks")

    def write_clicks(self) -> int:
        """Store the clicks that wait on this host; return how many still wait for their mail's outcome."""

        def write(hits: Sequence[feedback.Hit]) -> list[feedback.Hit]:
            with self.database.transaction() as session:
                return feedback.clicked(session, hits, self.clock.now())

        return self.clicks.write_down(write)

    @property
    def journals(self) -> Path:
        """The folder of this host's workers' journals."""
        return self.settings.data_dir / "journal"

    @property
    def pictures(self) -> Path:
        """The folder of the pictures of guides' pages."""
        return self.settings.data_dir / "cache" / "guides"

    @property
    def media(self) -> Path:
        """The folder of the pictures in texts."""
        return self.settings.data_dir / "media"

    @property
    def uploads(self) -> Path:
        """The folder of files uploaded to the import page."""
        return self.settings.data_dir / "imports"

    def hold_back(self, work: Callable[[Session, datetime], None]) -> None:
        """Hold back work that was under way when this installation was restored or copied."""
        with self.database.reading() as session:
            locked_at = installation.current(session).locked_at
        if locked_at is not None:
            with self.database.transaction() as session:
                work(session, locked_at)

    def go_on_with_imports(self, stopping: Callable[[], bool]) -> None:
        """Read, check, write and undo imports until nothing waits or a slice of time is over.

        What was under way in a restored or copied installation waits for a press.
        """
        self.hold_back(imports.hold_back)
        imports.Work(
            database=self.database, uploads=self.uploads, secrets=self.secrets, clock=self.clock.now,
            languages=self.languages, stopping=stopping, is_late=self.lateness.is_fresh,
        ).go_on(imports.SLICE)  # fmt: skip

    def look_at_feeds(self, stopping: Callable[[], bool]) -> None:
        """Check feeds that are due, and send what goes automatically.

        Not in a copy that nobody has reviewed: it must not make drafts twice, or send anything.
        """
        if not self.is_locked():
            feeds.go_on(self, stopping)
            feed_mail.go_on(self, stopping)

    def look_at_sending(self, _stopping: Callable[[], bool]) -> None:
        """Check the sender's domain and test relays, as owners have requested; the domain also several times a day."""
        sending.go_on(self)
        sending.look_again(self)

    def score_spam(self, _stopping: Callable[[], bool]) -> None:
        """Have SpamAssassin score mails, as owners have requested."""
        spam.go_on(self)

    def check_links(self, stopping: Callable[[], bool]) -> None:
        """Fetch the requested links; every few minutes, request checks of those in use, unless locked."""
        if time.monotonic() - self.links_gathered_at > GATHER and not self.is_locked():
            link_checks.gather(self)
            self.links_gathered_at = time.monotonic()
        link_checks.go_on(self, stopping)

    def is_locked(self) -> bool:
        """Whether nothing may start by itself: the installation was restored or copied, and not reviewed yet."""
        with self.database.reading() as session:
            return installation.current(session).is_locked

    def forget_traces(self, *addresses: str) -> None:
        """After an erasure, remove traces of these addresses outside subscribers' rows."""
        with self.database.transaction() as session:
            for address in addresses:
                imports.forget_mentions(session, address)
                bulk_actions.forget_mentions(session, address)
        self.database.scrub()  # if a reader blocks it, the sweep does it within minutes
        mail = self.settings.data_dir / local_mail.FILE
        for address in addresses:
            journal.forget_mentions(self.journals, address)
            forget_naming(self.uploads, address)
            if mail.exists():
                local_mail.Store(mail).forget(address)

    def forget_earlier_addresses(self, now: datetime) -> None:
        """Forget earlier addresses that can no longer be restored.

        Their traces go first, so that a process killed in between does it again.
        """
        with self.database.reading() as session:
            over = outlived_addresses(session, now)
        self.forget_traces(*over)
        with self.database.transaction() as session:
            forget_earlier(session, now)

    def close(self) -> None:
        """Close the connections to relays and database."""
        self.transport.close()
        self.database.dispose()


def build(settings: Settings, *, database: Database | None = None, clock: Clock | None = None,
          transport: Transport | None = None, guides: Files | None = None, languages: Languages | None = None,
          throttle: Callable[[Settings, Database, Clock], Throttle] | None = None, domains: MailDomains | None = None,
          allowances: Callable[[Settings], Allowances] | None = None) -> Runtime:  # fmt: skip
    """Build a Runtime. Given parts replace the defaults, which limit nothing and look nothing up."""
    database = database or Database(settings.database)
    clock = clock or clock_for(settings, database)
    signer = Signer(settings.secret, settings.old_secrets)
    files = guides or Files.under(settings.data_dir)
    spoken = languages or Languages()
    return Runtime(
        settings=settings,
        database=database,
        clock=clock,
        signer=signer,
        renderer=Renderer(
            templates=ROOT / "templates",
            signer=signer,
            site=settings.site,
            mail_domain=settings.mail_domain,
            guides=files.of,
            dkim=signing(settings),
            sender_form=settings.return_path,
            languages=spoken,
        ),
        transport=transport or _smtp(settings, allowances),
        guides=files,
        languages=spoken,
        throttle=throttle(settings, database, clock) if throttle else Unlimited(),
        domains=domains or AnyDomain(),
    )


def clock_for(settings: Settings, database: Database) -> Clock:
    """The installation's clock: the machine's, corrected by the database server's."""
    machine = MovableClock(settings.data_dir / "clock") if settings.is_local else SystemClock()
    return machine if database.is_sqlite else SharedClock(machine, database.server_time)


def _smtp(settings: Settings, allowances: Callable[[Settings], Allowances] | None) -> SmtpTransport:
    shared = allowances(settings) if allowances else None
    return SmtpTransport(parse_relays(settings.relays), helo=settings.mail_domain, allowances=shared)


def signing(settings: Settings) -> Dkim | None:
    """What signs mail; None if the settings name no key. Raises SettingsError for an unusable key."""
    keys = []
    for variable, selector, file in settings.dkim_keys:
        try:
            keys.append(read_key(selector, file))
        except BadKey as error:
            raise SettingsError(f"{variable}: {error}") from None
        if keys[-1].is_rsa and len(keys) > 1:
            raise SettingsError(f"{variable}: {file} should hold an Ed25519 key")
    if len(keys) > 1 and not keys[0].is_rsa:
        raise SettingsError("DKIM_KEY_FILE: should hold an RSA key when DKIM_ED25519_KEY_FILE stands beside it")
    return Dkim(settings.dkim_domain, tuple(keys)) if keys else None
