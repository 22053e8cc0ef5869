"""What an import brings to those who are here already: tags and fields, nothing else, and taken back exactly."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter.clock import FixedClock
from newsletter.events import Event
from newsletter.imports import Fate, Import, Report, Work, import_csv, undo
from newsletter.imports.for_known import ForKnown
from newsletter.imports.mapping import Meaning
from newsletter.imports.report import Changed
from newsletter.imports.run import Order
from newsletter.imports.sentences import changes, summary
from newsletter.imports.undo import prospect
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment
from newsletter.subscribers import (
    Consent,
    Field,
    FieldKind,
    Status,
    Subscriber,
    Subscription,
    add_field,
    all_fields,
    delete_field,
    find,
    read_address,
    retag,
    set_values,
    tags_of,
    values_of,
)
from tests.imports.conftest import BASIS

COLUMNS = [Meaning("email"), Meaning("tags"), Meaning("field:town"), Meaning("field:size"), Meaning("first_name")]
FILE = (
    "email,tags,town,size,first name\n"
    "new@example.com,golf,Hull,4,New\n"
    "full@example.com,\"golf, over 50\",Hull,9,Other\n"
    "empty@example.com,golf,Hull,,Other\n"
    "pending@example.com,golf,Hull,4,Other\n"
    "left@example.com,golf,Hull,4,Other\n"
)  # fmt: skip


@pytest.fixture
def here(runtime: Runtime, person: Callable[..., int], clock: FixedClock) -> dict[str, int]:
    """Full has a tag and both fields, Empty has nothing; one is pending and one has left."""
    ids = {name: person(f"{name}@example.com", confirmed=name != "pending") for name in
           ("full", "empty", "pending", "left")}  # fmt: skip
    with runtime.database.transaction() as session:
        kinds = {"town": FieldKind.TEXT, "size": FieldKind.NUMBER}
        fields = [add_field(session, key=key, label=key, kind=kind, choices=[], fallback="", now=clock.now())
                  for key, kind in kinds.items()]  # fmt: skip
        retag(session, ids["full"], ["golf", "own"])
        set_values(session, ids["full"], {fields[0]: "York", fields[1]: "7"})
        left = session.get_one(Subscriber, ids["left"])
        left.status, left.left_at = Status.UNSUBSCRIBED, clock.now()
    clock.forward(timedelta(days=1))
    return ids


def bring(runtime: Runtime, now: object, known: ForKnown = ForKnown.FILL, text: str = FILE, **more: object) -> Report:
    order = Order(basis=BASIS, meanings=COLUMNS, known=known, tags=more.pop("tags", ()))  # type: ignore[arg-type]
    return import_csv(runtime.database, io.BytesIO(text.encode()), BASIS, runtime.secrets, now, order=order, **more)  # type: ignore[arg-type]


def held(runtime: Runtime, id: int) -> tuple[list[str], dict[str, str]]:
    """Somebody's tags, and what their fields hold."""
    with runtime.database.reading() as session:
        keys = {field.id: field.key for field in all_fields(session)}
        return tags_of(session, id), {keys[field]: value for field, value in values_of(session, id).items()}


def receives(runtime: Runtime) -> list[object]:
    """All that decides what those receive who were here before."""
    with runtime.database.reading() as session:
        people = session.execute(
            select(Subscriber.email, Subscriber.first_name, Subscriber.status, Subscriber.newsletter,
                   Subscriber.every_topic, Subscriber.zone, Subscriber.confirmed_at, Subscriber.left_at)
            .where(Subscriber.email.not_in(["new@example.com", "pending@example.com"])).order_by(Subscriber.id)
        ).all()  # fmt: skip
        theirs = select(Subscriber.id).where(Subscriber.email.in_(["full@example.com", "empty@example.com"]))
        counts = [session.scalar(select(func.count()).select_from(one).where(one.subscriber_id.in_(theirs)))
                  for one in (Consent, Subscription, Event, Enrollment, Message)]  # fmt: skip
        return [*map(tuple, people), counts]


@pytest.mark.parametrize(
    ("known", "full", "empty", "changed"),
    [
        (ForKnown.FILL, (["golf", "over 50", "own"], {"town": "York", "size": "7"}), (["golf"], {"town": "Hull"}),
         Changed(tagged=3, filled=3, replaced=0)),
        (ForKnown.OVERWRITE, (["golf", "over 50", "own"], {"town": "Hull", "size": "9"}), (["golf"], {"town": "Hull"}),
         Changed(tagged=3, filled=3, replaced=2)),
        (ForKnown.LEAVE, (["golf", "own"], {"town": "York", "size": "7"}), ([], {}), Changed()),
    ],
)  # fmt: skip
def test_it_fills_overwrites_or_leaves_and_the_dry_run_says_the_same(
    runtime: Runtime, clock: FixedClock, here: dict[str, int], known: ForKnown,
    full: object, empty: object, changed: Changed,
) -> None:  # fmt: skip
    before = receives(runtime)
    dry = bring(runtime, clock.now(), known, dry_run=True)
    assert held(runtime, here["empty"]) == ([], {})
    report = bring(runtime, clock.now(), known)
    assert (dry.changed, dry.fates, dry.tags) == (changed, report.fates, report.tags)
    assert (report.changed, Report.of_json(report.as_json()).changed) == (changed, changed)
    assert (held(runtime, here["full"]), held(runtime, here["empty"])) == (full, empty)
    assert held(runtime, here["left"]) == ([], {})
    assert receives(runtime) == before
    assert (report.fates[Fate.ADDED], report.fates[Fate.KNOWN]) == (1, 2)


def test_it_is_told_in_numbers() -> None:
    report = Report(reading=None, changed=Changed(88, 12, 1))  # type: ignore[arg-type]
    assert changes(report) == ["88 people who are here already get a tag.",
                               "12 fields of theirs were empty and are filled in.",
                               "1 field of theirs gets another value."]  # fmt: skip
    assert summary(report).endswith("of known people 88 tagged, 13 fields")


def _undo(runtime: Runtime, clock: FixedClock, folder: Path) -> None:
    with runtime.database.transaction() as session:
        session.scalars(select(Import).order_by(Import.id.desc()).limit(1)).one().undo(clock.now(), forgets_gone=False)
    Work(database=runtime.database, uploads=folder, secrets=runtime.secrets, clock=clock.now).go_on(60)


@pytest.mark.parametrize("known", [ForKnown.FILL, ForKnown.OVERWRITE])
def test_undoing_takes_back_what_it_changed_and_nothing_else(
    runtime: Runtime, clock: FixedClock, here: dict[str, int], known: ForKnown, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(undo, "AT_ONCE", 2)
    before = held(runtime, here["full"]), held(runtime, here["empty"]), receives(runtime)
    bring(runtime, clock.now(), known)
    clock.forward(timedelta(hours=1))
    with runtime.database.reading() as session:
        it = session.scalars(select(Import)).one()
        would = prospect(session, it)
        assert (would.untagged, would.deleted) == (2, 1)
    _undo(runtime, clock, tmp_path)
    assert (held(runtime, here["full"]), held(runtime, here["empty"]), receives(runtime)) == before


def test_what_somebody_changed_since_stays(
    runtime: Runtime, clock: FixedClock, here: dict[str, int], tmp_path: Path
) -> None:
    bring(runtime, clock.now(), ForKnown.OVERWRITE)
    clock.forward(timedelta(hours=1))
    with runtime.database.transaction() as session:
        town, size = all_fields(session)
        set_values(session, here["full"], {town: "Leeds"})
        set_values(session, here["empty"], {town: ""})
        delete_field(session, size)
    _undo(runtime, clock, tmp_path)
    assert held(runtime, here["full"]) == (["golf", "own"], {"town": "Leeds"})
    assert held(runtime, here["empty"]) == ([], {})


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_second_row_about_somebody_changes_nothing_more(
    runtime: Runtime, clock: FixedClock, here: dict[str, int], monkeypatch: pytest.MonkeyPatch, dry_run: bool,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setattr("newsletter.imports.run.BATCH", 1)
    again = FILE + "empty@example.com,second,Paris,8,\nnew@example.com,second,Paris,8,\n"
    report = bring(runtime, clock.now(), text=again, dry_run=dry_run, tags=["desk"])
    assert (report.changed, report.tags) == (Changed(tagged=3, filled=3), 8)
    if not dry_run:
        assert held(runtime, here["empty"]) == (["desk", "golf"], {"town": "Hull"})
        _undo(runtime, clock, tmp_path)
        assert held(runtime, here["empty"]) == ([], {})
        with runtime.database.reading() as session:
            assert find(session, read_address("new@example.com")) is None


def test_a_field_that_is_gone_by_now_costs_nothing(
    runtime: Runtime, clock: FixedClock, here: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.imports.for_known.all_fields", lambda session: [])
    bring(runtime, clock.now(), ForKnown.OVERWRITE)
    assert held(runtime, here["full"])[1] == {"town": "York", "size": "7"}
    with runtime.database.reading() as session:
        assert session.scalars(select(Field)).first() is not None
