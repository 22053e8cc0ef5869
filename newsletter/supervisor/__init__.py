"""`newsletter up`: start the whole product from one command, keep it running, and stop all of it on Ctrl-C."""

from newsletter.supervisor.alone import StartError, alone

__all__ = ["StartError", "alone"]
