"""The door through which mail comes in: bounces, complaints, and wishes to leave that come as a mail."""

from newsletter.inbound.look import read_inboxes

__all__ = ["read_inboxes"]
