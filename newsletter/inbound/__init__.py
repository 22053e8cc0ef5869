"""The door through which bounces, complaints and wishes to leave come: by mail, or from a sending service."""

from newsletter.inbound.look import read_inboxes
from newsletter.inbound.take import Taken, take_report

__all__ = ["Taken", "read_inboxes", "take_report"]
