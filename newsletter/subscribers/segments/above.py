"""Tables of higher layers that rules query, declared by name because this layer must not import them.

A test compares these names and codes with the originals."""

from sqlalchemy import Boolean, column, table

from newsletter.db import UtcDateTime

BRAND = table("brand", column("language"))
GUIDES = table("guides", column("id"), column("slug"), column("title"))
GUIDE_REQUESTS = table("guide_requests", column("subscriber_id"), column("guide_id"), column("fetched_at"))
FORMS = table("forms", column("id"), column("name"))
ARTICLES = table("articles", column("id"), column("title"))
CAMPAIGNS = table(
    "campaigns", column("id"), column("article_id"), column("dispatch_id"), column("counted_clicks", Boolean()),
    column("lot"),
)  # fmt: skip
MESSAGES = table(
    "messages", column("id"), column("subscriber_id"), column("dispatch_id"), column("lane"), column("state"),
    column("reason"), column("settled_at", UtcDateTime()), column("revision_id"),
)  # fmt: skip
REVISIONS = table("revisions", column("id"), column("article_id"))
DIGEST_ENTRIES = table("digest_entries", column("message_id"), column("digest_id"))
SEQUENCES = table("sequences", column("id"), column("name"))
STEPS = table(
    "steps", column("id"), column("sequence_id"), column("article_id"), column("position"), column("deleted_at"),
)  # fmt: skip
PLACES = table("places", column("id"), column("sequence_id"), column("had"), column("skipped"))
ENROLLMENTS = table(
    "enrollments", column("subscriber_id"), column("sequence_id"), column("status"), column("place_id"),
)  # fmt: skip
LIVE, FINISHED, STOPPED = ("waiting", "active"), "finished", "stopped"
"""Values of `sequences.EnrollmentStatus`."""
BULK = "bulk"
"""The lane of campaigns and series (`ledger.Lane`)."""
TRIED = ("sent", "delivered", "bounced", "complained", "uncertain")
"""States of messages that left, or may have (`ledger.contents.TRIED`)."""
UNDER_WAY = ("ready", "claimed", "sending", "deferred")
"""States of messages that are still to leave (`ledger.UNDER_WAY`)."""
DIGEST = "digest"
"""`ledger.Reason` of a campaign's message that its reader gets in the weekly digest instead."""
