"""Health check and Prometheus metrics."""

import hmac

from flask import Blueprint, Response, abort, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from newsletter.figures import figure
from newsletter.mail.ledger import OPEN, Lane, Message, State
from newsletter.subscribers.subscriber import count_by_status
from newsletter.web.state import now, reading, runtime

door = Blueprint("health", __name__)


@door.get("/healthz")
def healthz() -> tuple[Response, int]:
    """200 if the database answers. Redis may be down: sign-ups are still stored, and mail is sent later."""
    checks = {"database": _database(), "redis": _redis()}
    return jsonify(ok=checks["database"] == "ok", **checks), 200 if checks["database"] == "ok" else 503


def _database() -> str:
    try:
        with reading() as session:
            session.execute(text("SELECT 1"))
        return "ok"
    except SQLAlchemyError as error:
        return type(error).__name__


def _redis() -> str:
    try:
        with Redis.from_url(runtime().settings.redis, socket_connect_timeout=0.5, socket_timeout=0.5) as redis:
            redis.ping()
        return "ok"
    except (RedisError, OSError) as error:
        return type(error).__name__


def _messages(session: Session) -> list[tuple[Lane, State, int]]:
    look = select(Message.lane, Message.state, func.count()).group_by(Message.lane, Message.state)
    return list(session.execute(look))


@door.get("/metrics")
def metrics() -> Response:
    """Prometheus metrics, without personal data; 404 unless METRICS_TOKEN is set (RFC 6750 §2.1)."""
    kept, asked = runtime().settings.metrics_token, request.authorization
    given = asked.token if asked is not None and asked.type == "bearer" else None
    if kept is None:
        abort(404)
    if not hmac.compare_digest((given or "").encode(), kept.get_secret_value().encode()):
        return Response("A bearer token is needed: METRICS_TOKEN.\n", 401, {"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry()
    people = Gauge("newsletter_subscribers", "Subscribers by status", ["status"], registry=registry)
    mails = Gauge("newsletter_messages", "Messages by lane and state", ["lane", "state"], registry=registry)
    age = Gauge("newsletter_oldest_due_seconds", "How long the oldest due message has waited", registry=registry)
    with reading() as session:
        for status, number in count_by_status(session).items():
            people.labels(status.value).set(number)
        for lane, state, number in figure(session, "messages by lane and state", _messages):
            mails.labels(lane.value, state.value).set(number)
        oldest = session.scalar(
            select(func.min(Message.due_at)).where(Message.state.in_(OPEN), Message.due_at <= now())
        )
    age.set((now() - oldest).total_seconds() if oldest else 0)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
