"""Incoming bounces, complaints and unsubscribe requests, by mail or from sending services."""

from newsletter.inbound.look import read_inboxes
from newsletter.inbound.take import Taken, take_report

__all__ = ["Taken", "read_inboxes", "take_report"]
