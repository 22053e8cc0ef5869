"""Bulk actions: one change applied to every subscriber in a filtered list.

`record` holds the `BulkAction` row: for whom, what, and progress. `effect` holds what it does to one person and the
dry run. `work` lets a worker process it in batches. Tag changes happen at once and can be undone (`tagging`).
"""

from newsletter.bulk_actions.effect import reach
from newsletter.bulk_actions.record import ActionKind, ActionState, BulkAction, NotNow, People, forget_mentions
from newsletter.bulk_actions.tagging import TagChange, change_tag, forget_old, reach_tag, undoable
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
    "reach_tag",
    "undoable",
]
