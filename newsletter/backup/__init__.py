"""Backup and restore: a whole installation in one file, written while it runs, restored completely or not at all."""

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
