"""The local mailbox: an SMTP server on loopback that stores every message and shows it on a page.

In production `SMTP_URL` replaces it; nothing else imports this package.
"""

from newsletter.local_mail import Store
from newsletter.mailbox.page import create
from newsletter.mailbox.server import serve

__all__ = ["Store", "create", "serve"]
