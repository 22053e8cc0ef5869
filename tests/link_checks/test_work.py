"""Links are fetched by a worker: what is in use once a day, each site gently, and nothing that acts for a reader."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter import articles, brand, link_checks
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.fetch import Fetcher, NotFetched, Trouble
from newsletter.link_checks import CheckedLink, Outcome
from newsletter.link_checks.record import AGAIN, KEPT, SOON
from newsletter.mail import ledger
from newsletter.mail.ledger import Message
from newsletter.mail.render import Content
from newsletter.preflight import Level
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.subscribers import Stream, Subscriber
from tests.conftest import NOON


class Sites(Fetcher):
    """Sites that answer what they are told to, and note what they are asked."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, int | Trouble] = {}
        self.asked: list[str] = []

    def status(self, url: str, *, patience: float = 10.0) -> int:
        """200 where nothing else was said."""
        self.asked.append(url)
        answer = self.answers.get(url, 200)
        if isinstance(answer, Trouble):
            raise NotFetched(answer)
        return answer


@pytest.fixture
def sites(runtime: Runtime) -> Sites:
    runtime.fetcher = Sites()
    return runtime.fetcher


@pytest.fixture
def scheduled(runtime: Runtime) -> Callable[..., int]:
    """A scheduled campaign with this text; no series runs beside it."""

    def made(body: str) -> int:
        with runtime.database.transaction() as session:
            session.execute(update(Sequence).values(live=False))
            article = articles.write(session, NOON, title="Walks", subject="Walks", body=body)
            one = Campaign(article=article, created_at=NOON)
            session.add(one)
            one.schedule(NOON + timedelta(days=9), brand.current(session))
            session.flush()
            return one.id

    return made


def run(rt: Runtime) -> int:
    """Ticks until nothing more is to be fetched."""
    done = 0
    while more := link_checks.go_on(rt):
        done += more
    return done


def outcomes(rt: Runtime, id: int) -> dict[str, Outcome]:
    with rt.database.reading() as session:
        found = link_checks.found_of(session, rt.renderer, brand.current(session), session.get_one(Campaign, id))
        return {one.address: one.outcome for one in found}


def check(rt: Runtime, id: int) -> tuple[Level, str] | None:
    with rt.database.reading() as session:
        found = link_checks.found_of(session, rt.renderer, brand.current(session), session.get_one(Campaign, id))
        one = next(link_checks.link_check(found), None)
        return (one.level, one.found) if one else None


def test_only_addresses_of_other_sites_are_fetched_and_none_that_acts(runtime: Runtime) -> None:
    body = (
        "[a](https://one.example/a#part) [again](https://one.example/a) <https://two.example/> {{ brand.website }}\n"
        "![p](https://cdn.example/p.png) [m](mailto:x@example.org) [t](tel:+44) [leave]({{ unsubscribe_url }})\n"
        "[own](/archive) [c](http://localhost:8000/c/x.y) [u](http://localhost:8000/unsubscribe/token)\n"
        "[mine](https://three.example/?n={{ first_name }}) [book]({{ brand.booking }}) [#](#here)\n"
    )
    with runtime.database.transaction() as session:
        house = brand.current(session)
        house.booking = "https://book.example/paul"
        found = link_checks.addresses_of(runtime.renderer, house, Content("S", "", body))
    assert sorted(found) == ["https://book.example/paul", "https://cdn.example/p.png", "https://one.example/a",
                             "https://two.example/"]  # fmt: skip


def test_what_is_scheduled_is_fetched_and_told(runtime: Runtime, sites: Sites, scheduled: Callable[..., int]) -> None:
    id = scheduled("[a](https://one.example/a) [b](https://two.example/b) [c](https://three.example/c)")
    sites.answers = {"https://two.example/b": 404, "https://three.example/c": 403}
    assert check(runtime, id) is None
    assert link_checks.gather(runtime) == 3 and link_checks.gather(runtime) == 0
    assert set(outcomes(runtime, id).values()) == {Outcome.WAITS}
    assert run(runtime) == 3
    assert list(outcomes(runtime, id).values()) == [Outcome.THERE, Outcome.LOST, Outcome.UNJUDGED]
    assert check(runtime, id) == (Level.WARNING, "1 of 3 links does not answer: https://two.example/b (404).")
    sites.answers = {"https://three.example/c": 999}
    with runtime.database.transaction() as session:
        session.execute(update(CheckedLink).values(asked_at=NOON - AGAIN, looked_at=NOON - AGAIN))
    assert link_checks.gather(runtime) == 3 and run(runtime) == 3
    assert check(runtime, id) == (
        Level.TOLD, "2 links of other sites answer. Of 1 more nobody can say: open them yourself."
    )  # fmt: skip


def test_running_series_are_in_use_and_drafts_are_not(
    runtime: Runtime, sites: Sites, scheduled: Callable[..., int]
) -> None:
    id = scheduled("[a](https://one.example/a)")
    with runtime.database.transaction() as session:
        session.get_one(Campaign, id).stored_state = CampaignState.DRAFT
    assert link_checks.gather(runtime) == 0
    with runtime.database.transaction() as session:
        series = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert series is not None
        series.live, step = True, series.current_steps[0]
        step.article.revise(NOON, subject="S", preheader="", body="[b](https://two.example/b)")
    assert link_checks.gather(runtime) >= 1
    run(runtime)
    assert "https://two.example/b" in sites.asked and "https://one.example/a" not in sites.asked


def test_one_site_is_asked_once_in_a_tick(runtime: Runtime, sites: Sites, scheduled: Callable[..., int]) -> None:
    scheduled(" ".join(f"[{n}](https://one.example/{n})" for n in range(3)) + " [x](https://two.example/)")
    link_checks.gather(runtime)
    assert link_checks.go_on(runtime) == 2
    assert sorted(one.split("/")[2] for one in sites.asked) == ["one.example", "two.example"]
    assert link_checks.go_on(runtime) == 1 and link_checks.go_on(runtime) == 1 and link_checks.go_on(runtime) == 0


def test_a_site_that_another_worker_asks_just_now_is_left_alone(
    runtime: Runtime, sites: Sites, scheduled: Callable[..., int], clock: FixedClock
) -> None:
    scheduled("[a](https://one.example/a) [b](https://one.example/b)")
    link_checks.gather(runtime)
    with runtime.database.transaction() as session:
        first = session.scalars(select(CheckedLink).order_by(CheckedLink.id)).first()
        assert first is not None
        first.leased_until = clock.now() + timedelta(minutes=1)
    assert link_checks.go_on(runtime) == 0
    clock.forward(timedelta(minutes=2))  # who had it died
    assert run(runtime) == 2


def test_mail_that_goes_out_comes_first(
    runtime: Runtime, sites: Sites, scheduled: Callable[..., int], person: Callable[..., int]
) -> None:
    scheduled("[a](https://one.example/a)")
    link_checks.gather(runtime)
    jane = person("jane@example.com")
    with runtime.database.transaction() as session:
        step, _ = ledger.queue(session, session.get_one(Subscriber, jane), Stream.STEP, "step:1", NOON)
    assert link_checks.go_on(runtime) == 0 and sites.asked == []
    with runtime.database.transaction() as session:
        session.execute(update(Message).where(Message.id == step.id).values(due_at=NOON + timedelta(days=1)))
    assert link_checks.go_on(runtime) == 1


def test_one_failure_is_not_believed_and_looked_at_soon(
    runtime: Runtime, sites: Sites, scheduled: Callable[..., int], clock: FixedClock
) -> None:
    scheduled("[a](https://one.example/a)")
    sites.answers = {"https://one.example/a": Trouble.NO_HOST}

    def needs() -> int:
        with runtime.database.reading() as session:
            return len(link_checks.lost_in_use(session, runtime.renderer, brand.current(session)))

    link_checks.gather(runtime)
    assert run(runtime) == 1 and needs() == 0
    clock.forward(SOON)
    assert link_checks.gather(runtime) == 1 and run(runtime) == 1 and needs() == 1
    clock.forward(SOON)
    assert link_checks.gather(runtime) == 0
    sites.answers = {}
    clock.forward(AGAIN)
    assert link_checks.gather(runtime) == 1 and run(runtime) == 1 and needs() == 0


def test_what_is_gone_is_believed_at_once(runtime: Runtime, sites: Sites, scheduled: Callable[..., int]) -> None:
    scheduled("[a](https://one.example/a)")
    sites.answers = {"https://one.example/a": 410}
    link_checks.gather(runtime)
    run(runtime)
    with runtime.database.reading() as session:
        (lost,) = link_checks.lost_in_use(session, runtime.renderer, brand.current(session))
    assert (lost.article.title, lost.seen.told) == (
        "Walks",
        " (410)",
    ) and "Check it in your browser" in lost.seen.advice


def test_addresses_that_stand_in_nothing_any_more_are_forgotten(
    runtime: Runtime, sites: Sites, scheduled: Callable[..., int], clock: FixedClock
) -> None:
    id = scheduled("[a](https://one.example/a)")
    link_checks.gather(runtime)
    run(runtime)
    clock.forward(KEPT)
    with runtime.database.transaction() as session:
        link_checks.forget_old(session, clock.now())
    assert outcomes(runtime, id) == {"https://one.example/a": Outcome.THERE}
    clock.forward(timedelta(seconds=1))
    with runtime.database.transaction() as session:
        link_checks.forget_old(session, clock.now())
    assert outcomes(runtime, id) == {"https://one.example/a": Outcome.UNASKED}
