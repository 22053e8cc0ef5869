"""`newsletter up`: start the whole product from one command, keep it running, and stop all of it on Ctrl-C."""

from newsletter.supervisor.up import StartError, up

__all__ = ["StartError", "up"]
