"""The mailbox's two servers: SMTP (aiosmtpd) and the page."""

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from werkzeug.serving import WSGIRequestHandler, make_server

from newsletter.clock import Clock
from newsletter.local_mail import FILE, Store
from newsletter.mailbox.page import create
from newsletter.settings import Settings

LARGEST = 32 * 1024 * 1024  # octets


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


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the page asks for itself every few seconds."""


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
    """Run both until the process is told to end."""
    store = Store(settings.data_dir / FILE)
    smtp = smtp_server(store, clock, settings.mailbox_smtp_port)
    smtp.start()
    try:
        page = make_server("127.0.0.1", settings.mailbox_port, create(store), threaded=True, request_handler=_Quiet)
        page.serve_forever()
    finally:
        smtp.stop()
