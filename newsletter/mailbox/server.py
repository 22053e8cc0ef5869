"""Runs the mailbox's SMTP server (aiosmtpd) and page, and the example blog."""

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


class _StoringHandler:
    """aiosmtpd handler that stores every message."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Store the message before answering 250."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        self._store.add(envelope.mail_from or "", list(envelope.rcpt_tos), raw, self._clock.now())
        return "250 2.0.0 Kept in the local mailbox"


def smtp_server(store: Store, clock: Clock, port: int) -> Controller:
    """The SMTP server, not started."""
    return Controller(
        _StoringHandler(store, clock),
        hostname="127.0.0.1",
        port=port,
        data_size_limit=LARGEST,
        enable_SMTPUTF8=True,
        ident="newsletter local mailbox",
    )


def serve(settings: Settings, clock: Clock) -> None:
    """Run all servers until the process is stopped."""
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
    """Start the example blog in a thread. Optional: a port already in use is only logged."""
    try:
        example = blog.server(settings)
    except OSError as error:
        log.warning("the example blog is not served", port=settings.blog_port, error=error.strerror)
        return
    threading.Thread(target=example.serve_forever, name="blog", daemon=True).start()
