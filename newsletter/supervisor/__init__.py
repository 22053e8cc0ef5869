"""`newsletter up`: starts the whole product with one command, keeps it running, and stops all of it on Ctrl-C."""

from newsletter.supervisor.alone import StartError, alone

__all__ = ["StartError", "alone"]
