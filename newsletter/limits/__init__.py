"""Throttling over Redis: one count for all workers on all hosts. Only the doors know of it (see `mail.throttle`)."""

from newsletter.limits.connections import SharedAllowances, connections
from newsletter.limits.shared import SharedThrottle, connect

__all__ = ["SharedAllowances", "SharedThrottle", "connect", "connections"]
