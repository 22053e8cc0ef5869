"""The mailbox's two servers, SMTP (aiosmtpd) and the page; beside them the example blog."""

import threading

import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from werkzeug.serving import make_server

from newsletter.clock import Clock
from newsletter.local_mail import FILE, Store
from newsletter.mailbox import blog
from newsletter.mailbox.page import create
from newsletter.mailbox.quiet import Quiet
from newsletter.settings import Settings

LARGEST = 32 * 1024 * 1024  # octets
log = structlog.get_logger()


class _Keeper:
    """aiosmtpd's handler: keeps whatever comes."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Store it before the 250."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        self._store.add(envelope.mail_from or "", list(envelope.rcpt_tos), raw, self._clock.now())
        return "250 2.0.0 Kept in the local mailbox"


def smtp_server(store: Store, clock: Clock, port: int) -> Controller:
    """The SMTP half, not started yet."""
    return Controller(
        _Keeper(store, clock),
        hostname="127.0.0.1",
        port=port,
        data_size_limit=LARGEST,
        enable_SMTPUTF8=True,
        ident="newsletter local mailbox",
    )


def serve(settings: Settings, clock: Clock) -> None:
    """Run all of them until the process is told to end."""
    store = Store(settings.data_dir / FILE)
    smtp = smtp_server(store, clock, settings.mailbox_smtp_port)
    smtp.start()
    if settings.is_local:
        _start_blog(settings)
    try:
        app = create(store, site=settings.site)
        page = make_server("127.0.0.1", settings.mailbox_port, app, threaded=True, request_handler=Quiet)
        page.serve_forever()
    finally:
        smtp.stop()


def _start_blog(settings: Settings) -> None:
    """The example blog, in a thread: nothing depends on it, so a port that is taken keeps nobody from their mail."""
    try:
        example = blog.server(settings)
    except OSError as error:
        log.warning("the example blog is not served", port=settings.blog_port, error=error.strerror)
        return
    threading.Thread(target=example.serve_forever, name="blog", daemon=True).start()
