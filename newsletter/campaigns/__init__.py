"""The record and what an owner does with it (`campaign`), what happens by itself (`launch`), whom it is for."""

from newsletter.campaigns.audience import delete_segment, forget_mentions
from newsletter.campaigns.campaign import Campaign, CampaignState, NotNow
from newsletter.campaigns.launch import (
    CHUNK,
    cancel_more,
    cancel_stragglers,
    fill_next,
    finish_done,
    is_time,
    is_under_way,
    launch_due,
    planned,
)

__all__ = [
    "CHUNK",
    "Campaign",
    "CampaignState",
    "NotNow",
    "cancel_more",
    "cancel_stragglers",
    "delete_segment",
    "fill_next",
    "finish_done",
    "forget_mentions",
    "is_time",
    "is_under_way",
    "launch_due",
    "planned",
]
