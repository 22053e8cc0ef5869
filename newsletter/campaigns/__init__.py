"""The record and what an owner does with it (`campaign`, `together`), what happens by itself (`launch`), for whom. Who
takes one mail a week gets it by `digest`.

A/B tests: the record (`ab_test`), before it begins (`ab_setup`), what comes of it (`ab_choice`, `proportions`), in
sentences (`ab_telling`).
"""

from newsletter.campaigns import together
from newsletter.campaigns.ab_choice import (
    choose,
    is_counted,
    more_than_chance,
    of_open_test,
    results,
    stop,
    tend_ab_tests,
    to_come,
    waiting,
)
from newsletter.campaigns.ab_setup import (
    UNCOUNTED,
    BadTest,
    Wish,
    ab_test_of,
    change_ab_test,
    counts_clicks,
    make_ab_test,
    of_the_same_mailing,
    withdraw_ab_test,
)
from newsletter.campaigns.ab_telling import DECIDED, WAITS, named, plan, span, verdict
from newsletter.campaigns.ab_test import (
    LEAST_HOURS,
    LEAST_SHARE,
    MOST_HOURS,
    MOST_SHARE,
    ABTest,
    Compares,
    Decided,
    IfClose,
    Judge,
    Phase,
    Waits,
)
from newsletter.campaigns.audience import delete_segment, forget_mentions
from newsletter.campaigns.campaign import Campaign, CampaignState, NotNow, Part
from newsletter.campaigns.coming import Coming, coming_to
from newsletter.campaigns.digest import (
    NextDigest,
    digest_is_due,
    digest_times_changed,
    due_digests,
    next_digest,
    send_digests,
)
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
from newsletter.campaigns.proportions import Interval, Proportion, needed

__all__ = [
    "CHUNK",
    "DECIDED",
    "LEAST_HOURS",
    "LEAST_SHARE",
    "MOST_HOURS",
    "MOST_SHARE",
    "UNCOUNTED",
    "WAITS",
    "ABTest",
    "BadTest",
    "Campaign",
    "CampaignState",
    "Coming",
    "Compares",
    "Decided",
    "IfClose",
    "Interval",
    "Judge",
    "NextDigest",
    "NotNow",
    "Part",
    "Phase",
    "Proportion",
    "Waits",
    "Wish",
    "ab_test_of",
    "cancel_more",
    "cancel_stragglers",
    "change_ab_test",
    "choose",
    "coming_to",
    "counts_clicks",
    "delete_segment",
    "digest_is_due",
    "digest_times_changed",
    "due_digests",
    "fill_next",
    "finish_done",
    "forget_mentions",
    "is_counted",
    "is_time",
    "is_under_way",
    "launch_due",
    "make_ab_test",
    "more_than_chance",
    "named",
    "needed",
    "next_digest",
    "of_open_test",
    "of_the_same_mailing",
    "plan",
    "planned",
    "results",
    "send_digests",
    "span",
    "stop",
    "tend_ab_tests",
    "to_come",
    "together",
    "verdict",
    "waiting",
    "withdraw_ab_test",
]
