"""How far a campaign has come: for the page, and every second for its script."""

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
    """Numbers of people. `total` is an estimate while recipients are still being written down."""

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
    """Of the cancelled: those who get it in their weekly mail."""
    per_second: float
    """Outcomes a second since the launch."""
    seconds_left: float | None
    """None: it does not move, so nobody can say."""
    for_hour: int = 0
    """Of the waiting: those whose own hour has not come, at everyone's own time."""
    next_at: datetime | None = None
    """When that of the next of them comes."""
    last_at: datetime | None = None

    @classmethod
    def of(cls, session: Session, campaign: Campaign, at: datetime) -> "Progress":
        """Where this campaign stands at this moment."""
        counts = campaign.counts(session)
        written = sum(counts.values())
        filled = campaign.dispatch is not None and campaign.dispatch.filled_at is not None
        closed = campaign.stored_state in (CampaignState.SENT, CampaignState.CANCELLED)
        total = written if filled or closed else max(written, campaign.audience(at).size(session))
        done = written - sum(counts[state] for state in UNDER_WAY)
        if campaign.stored_state is CampaignState.CANCELLED:  # who was called off has had no turn
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
        """The share that has an outcome, rounded down: 100 only when all have."""
        return 100 * self.done // self.total if self.total else 0

    def as_json(self) -> dict[str, Any]:
        """For the script."""
        told = {"percent": self.percent, "time_left": duration(self.seconds_left), "next": local(self.next_at)}
        times = {"next_at": self.next_at, "last_at": self.last_at}
        return {**asdict(self), **told, **{name: at and at.isoformat() for name, at in times.items()}}


def _for_hour(session: Session, campaign: Campaign, now: datetime) -> dict[str, Any]:
    """Who waits for their own hour, and when it comes; nothing of a campaign that goes to all at once."""
    if campaign.own_time is None or campaign.dispatch is None or campaign.state not in ON_ITS_WAY:
        return {}
    waits = [one for one in openings(session, campaign.dispatch, now) if not one.has_come]
    if not waits:
        return {}
    people = sum(one.people - one.done for one in waits)
    return {"for_hour": people, "next_at": waits[0].at, "last_at": waits[-1].at, "seconds_left": None}


@door.get("/campaigns/<row:id>/progress.json", endpoint="campaign_progress")
def progress(id: int) -> Response:
    """The numbers now."""
    with reading() as session:
        answer = jsonify(Progress.of(session, one_or_404(session, Campaign, id), now()).as_json())
    answer.headers["Cache-Control"] = "no-store"
    return answer
