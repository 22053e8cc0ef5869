"""What a reader does across the features: sign up, confirm, ask for a guide, choose, leave. One file for each.

Every function works in the caller's transaction: all of it happens, or nothing.
"""

from newsletter.journey.asked import AskedFor, asked_for, open_link
from newsletter.journey.choose import choose, leave_newsletter, live_in, read_in, start_again, stop_series
from newsletter.journey.confirm import Confirmed, LinkOver, confirm
from newsletter.journey.digest import take_digest, take_singles
from newsletter.journey.give import (
    LINK_DAYS,
    House,
    articles_after,
    articles_ahead,
    articles_promised,
    offer_guide,
    request_guide,
)
from newsletter.journey.leave import erase, forget, has_left_bounced, lift, refuse, unsubscribe
from newsletter.journey.move import NoMove, Stayed, ask_move, move, open_change, stay, why_not
from newsletter.journey.pause import (
    FOR_THEM,
    PAUSE,
    end_pause,
    end_pause_for_them,
    end_pauses,
    pause,
    pause_is_over,
    was_paused_for_them,
)
from newsletter.journey.prove import Proof, ask_proof, proves
from newsletter.journey.remind import (
    ask_again,
    ask_pending_again,
    may_be_asked_again,
    pending_for_days,
    remind_and_forget,
    reminders_due,
)
from newsletter.journey.sign_up import SignUp, subscribe
from newsletter.journey.topics import change_topics, leave_topic, narrow_topics
from newsletter.journey.undo import say_why, slip, undo_leaving, why_left

__all__ = [
    "FOR_THEM",
    "LINK_DAYS",
    "PAUSE",
    "AskedFor",
    "Confirmed",
    "House",
    "LinkOver",
    "NoMove",
    "Proof",
    "SignUp",
    "Stayed",
    "articles_after",
    "articles_ahead",
    "articles_promised",
    "ask_again",
    "ask_move",
    "ask_pending_again",
    "ask_proof",
    "asked_for",
    "change_topics",
    "choose",
    "confirm",
    "end_pause",
    "end_pause_for_them",
    "end_pauses",
    "erase",
    "forget",
    "has_left_bounced",
    "leave_newsletter",
    "leave_topic",
    "lift",
    "live_in",
    "may_be_asked_again",
    "move",
    "narrow_topics",
    "offer_guide",
    "open_change",
    "open_link",
    "pause",
    "pause_is_over",
    "pending_for_days",
    "proves",
    "read_in",
    "refuse",
    "remind_and_forget",
    "reminders_due",
    "request_guide",
    "say_why",
    "slip",
    "start_again",
    "stay",
    "stop_series",
    "subscribe",
    "take_digest",
    "take_singles",
    "undo_leaving",
    "unsubscribe",
    "was_paused_for_them",
    "why_left",
    "why_not",
]
