"""Progress of a campaign, for its page and, every second, its script."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flask import jsonify
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter.campaigns import Campaign, CampaignState
from newsletter.mail.ledger import ACCEPTED, UNDER_WAY, State, digest
from newsletter.mail.ledger.opening import openings
from newsletter.web.owner.display import duration, local
from newsletter.web.owner.door import door, one_or_404
from newsletter.web.state import now, reading

ON_ITS_WAY = (CampaignState.SENDING, CampaignState.PAUSED)
WAITING = (State.READY, State.CLAIMED, State.SENDING)


@dataclass(frozen=True, slots=True)
class Progress:
    """Numbers of people. `total` is an estimate while recipients are still being stored."""

    state: CampaignState
    total: int
    done: int
    sent: int
    waiting: int
    deferred: int
    failed: int
    uncertain: int
    cancelled: int
    weekly: int
    """Those of the cancelled who get it in their weekly mail."""
    per_second: float
    """Outcomes per second since the launch."""
    seconds_left: float | None
    """None if nothing is moving."""
    for_hour: int = 0
    """Those of the waiting whose own hour has not come."""
    next_at: datetime | None = None
    """When the next own hour comes."""
    last_at: datetime | None = None

    @classmethod
    def of(cls, session: Session, campaign: Campaign, at: datetime) -> "Progress":
        """The progress of a campaign at this time."""
        counts = campaign.counts(session)
        written = sum(counts.values())
        filled = campaign.dispatch is not None and campaign.dispatch.filled_at is not None
        closed = campaign.stored_state in (CampaignState.SENT, CampaignState.CANCELLED)
        total = written if filled or closed else max(written, campaign.audience(at).size(session))
        done = written - sum(counts[state] for state in UNDER_WAY)
        if campaign.stored_state is CampaignState.CANCELLED:  # the cancelled were not tried
            done -= counts[State.CANCELLED]
        since = (campaign.finished_at or at) - campaign.launched_at if campaign.launched_at else None
        rate = done / max(since.total_seconds(), 1.0) if since else 0.0
        moves = campaign.state is CampaignState.SENDING and rate > 0
        return cls(
            state=campaign.state,
            total=total,
            done=done,
            sent=sum(counts[one] for one in ACCEPTED),
            waiting=sum(counts[one] for one in WAITING),
            deferred=counts[State.DEFERRED],
            failed=counts[State.FAILED],
            uncertain=counts[State.UNCERTAIN],
            cancelled=counts[State.CANCELLED],
            weekly=digest.count(session, [campaign.dispatch_id or 0]).get(campaign.dispatch_id or 0, 0),
            per_second=rate,
            **({"seconds_left": (total - done) / rate if moves else None} | _for_hour(session, campaign, at)),
        )

    @property
    def percent(self) -> int:
        """The percentage with an outcome, rounded down: 100 only if all have one."""
        return 100 * self.done // self.total if self.total else 0

    def as_json(self) -> dict[str, Any]:
        """The numbers as JSON for the script."""
        told = {"percent": self.percent, "time_left": duration(self.seconds_left), "next": local(self.next_at)}
        times = {"next_at": self.next_at, "last_at": self.last_at}
        return {**asdict(self), **told, **{name: at and at.isoformat() for name, at in times.items()}}


def _for_hour(session: Session, campaign: Campaign, now: datetime) -> dict[str, Any]:
    """`for_hour` and `next_at`; empty for a campaign sent to all at once."""
    if campaign.own_time is None or campaign.dispatch is None or campaign.state not in ON_ITS_WAY:
        return {}
    waits = [one for one in openings(session, campaign.dispatch, now) if not one.has_come]
    if not waits:
        return {}
    people = sum(one.people - one.done for one in waits)
    return {"for_hour": people, "next_at": waits[0].at, "last_at": waits[-1].at, "seconds_left": None}


@door.get("/campaigns/<row:id>/progress.json", endpoint="campaign_progress")
def progress(id: int) -> Response:
    """The present numbers as JSON."""
    with reading() as session:
        answer = jsonify(Progress.of(session, one_or_404(session, Campaign, id), now()).as_json())
    answer.headers["Cache-Control"] = "no-store"
    return answer
