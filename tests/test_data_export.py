"""What is held about a person: told in full, erased in full."""

import io
import json
from collections.abc import Callable

from sqlalchemy import func, select

from newsletter import data_export, journey
from newsletter.db import Base
from newsletter.imports import Fate, import_csv
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber, Suppression, SuppressionReason, TopicChoice, read_address
from tests.conftest import NOON, InlineTrigger

JANE = "jane@example.com"


def _lives(runtime: Runtime, trigger: InlineTrigger) -> int:
    sign_up = journey.SignUp(read_address(JANE), "recover-from-pain", True, "I agree.", "Jane", "/", "box", "192.0.2.7")
    with runtime.database.transaction() as session:
        journey.subscribe(session, runtime, sign_up, NOON)
    with runtime.database.transaction() as session:
        asked = journey.open_link(session, 1, NOON)
        assert asked is not None
        id = journey.confirm(session, runtime, asked, NOON).subscriber.id
    trigger.wake()
    return id


def _rows(runtime: Runtime) -> dict[str, int]:
    personal = (
        "subscribers",
        "subscriptions",
        "consents",
        "consent_topics",
        "events",
        "guide_requests",
        "enrollments",
        "messages",
        "attempts",
    )
    with runtime.database.reading() as session:
        tables = [table for table in Base.metadata.sorted_tables if table.name in personal]
        return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def test_everything_held_is_told_as_json(runtime: Runtime, trigger: InlineTrigger) -> None:
    id = _lives(runtime, trigger)
    with runtime.database.reading() as session:
        held = json.loads(json.dumps(data_export.of(session, session.get_one(Subscriber, id))))
    assert held["subscriber"]["email"] == JANE
    assert (held["consents"][0]["wording"], held["consents"][0]["ip"]) == ("I agree.", "192.0.2.7")
    assert held["guides"][0]["guide"].startswith("9 key principles")
    assert held["series"][0]["status"] == "active"
    assert [one["stream"] for one in held["messages"]] == ["confirm", "guide"]
    assert (held["topics"], held["consents"][0]["topics"]) == ("every topic", "every topic")


def test_the_topics_and_every_change_of_them_are_told(runtime: Runtime, trigger: InlineTrigger) -> None:
    id = _lives(runtime, trigger)
    for ids in ({1}, {1, 2}):
        with runtime.database.transaction() as session:
            jane = session.get_one(Subscriber, id)
            journey.choose(session, jane, True, "", "Boxes.", NOON, topics=TopicChoice.of(ids))
    with runtime.database.reading() as session:
        held = data_export.of(session, session.get_one(Subscriber, id))
    assert held["topics"] == held["consents"][-1]["topics"] == ["Rehabilitation", "Training"]
    assert [(one["kind"], one["topic"]) for one in held["events"]][-2:] == [
        ("topic-off", "Training"), ("topic-on", "Training"),
    ]  # fmt: skip


def test_erasing_leaves_nothing_but_a_hash_and_an_old_list_cannot_bring_the_person_back(
    runtime: Runtime, trigger: InlineTrigger
) -> None:
    id = _lives(runtime, trigger)
    with runtime.database.transaction() as session:
        jane = session.get_one(Subscriber, id)
        journey.choose(session, jane, True, "", "Boxes.", NOON, topics=TopicChoice.of({1}))
        journey.choose(session, jane, True, "", "Boxes.", NOON, topics=TopicChoice.of({1, 2}))
    assert min(_rows(runtime)[name] for name in ("subscriptions", "consent_topics")) > 0
    with runtime.database.transaction() as session:
        journey.erase(session, runtime, session.get_one(Subscriber, id), NOON)
    assert set(_rows(runtime).values()) == {0}
    with runtime.database.reading() as session:
        left = session.scalars(select(Suppression)).one()
        assert left.reason is SuppressionReason.ERASED
        assert JANE not in left.address_hash
    report = import_csv(runtime.database, io.BytesIO(f"email\n{JANE}\n".encode()), "an old list", runtime.secrets, NOON)
    assert report.fates == {Fate.SUPPRESSED: 1}


def test_who_was_erased_may_sign_up_again_by_their_own_act(
    runtime: Runtime, trigger: InlineTrigger, person: Callable[..., int]
) -> None:
    id = _lives(runtime, trigger)
    with runtime.database.transaction() as session:
        journey.erase(session, runtime, session.get_one(Subscriber, id), NOON)
    with runtime.database.transaction() as session:
        sign_up = journey.SignUp(read_address(JANE), "recover-from-pain", False, "I agree.")
        journey.subscribe(session, runtime, sign_up, NOON)
    assert _rows(runtime)["messages"] == 1
