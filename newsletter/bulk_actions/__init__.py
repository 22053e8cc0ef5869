"""Bulk actions: one thing done for everybody whom a list of people shows.

A `BulkAction` is the row of one (`record`): whom it is for, what is done, and how far it is. `effect` says what it does
to a person and whom it can reach, which is also its dry run. A worker goes on with it (`work`). Tags are changed at
once, and can be taken back (`tagging`).
"""

from newsletter.bulk_actions.effect import reach
from newsletter.bulk_actions.record import ActionKind, ActionState, BulkAction, NotNow, People, forget_mentions
from newsletter.bulk_actions.tagging import TagChange, change_tag, forget_old, undoable
from newsletter.bulk_actions.work import go_on, hold_back, is_waiting

__all__ = [
    "ActionKind",
    "ActionState",
    "BulkAction",
    "NotNow",
    "People",
    "TagChange",
    "change_tag",
    "forget_mentions",
    "forget_old",
    "go_on",
    "hold_back",
    "is_waiting",
    "reach",
    "undoable",
]
