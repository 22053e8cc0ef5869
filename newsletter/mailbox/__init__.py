"""The local mailbox: an SMTP server on loopback that keeps every message and shows it on a page.

What `SMTP_URL` names takes its place on a real server; nothing else of the product knows this room.
"""

from newsletter.local_mail import Store
from newsletter.mailbox.page import create
from newsletter.mailbox.server import serve

__all__ = ["Store", "create", "serve"]
