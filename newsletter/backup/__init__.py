"""Backup and restore: one file with all of an installation, written while it runs, put back whole or not at all."""

from newsletter.backup.archive import Archive, BadBackup, Manifest
from newsletter.backup.measure import Sizes, measure
from newsletter.backup.restoring import NotRestored, Restored, check, finish, restore, sweep
from newsletter.backup.write import write

__all__ = [
    "Archive",
    "BadBackup",
    "Manifest",
    "NotRestored",
    "Restored",
    "Sizes",
    "check",
    "finish",
    "measure",
    "restore",
    "sweep",
    "write",
]
