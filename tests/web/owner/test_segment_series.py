"""Where people stand in a series, as a rule: clicked together, told, counted, exported, mailed to."""

import pytest
from sqlalchemy import select

from newsletter.campaigns import Campaign
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.subscribers.segments import Rules
from newsletter.subscribers.segments.rules import AtStep, InSeries, Stage
from tests.bulk_actions.conftest import ASKED, OTHERS, Crowd, crowd
from tests.conftest import NOON
from tests.web.owner.conftest import PASSWORD, Desk, readable
from tests.web.owner.test_segments import saved

__all__ = ["crowd"]
NEW = "/owner/segments/new"


def _look(desk: Desk, do: str = "look", **rule: object) -> str:
    form = {f"r.0.{part}": str(value) for part, value in rule.items()}
    return readable(desk.post(NEW, do=do, **{"r.kind": "all", **form}).text)


def _steps(crowd: Crowd) -> tuple[str, list[tuple[int, str]]]:
    with crowd.runtime.database.reading() as session:
        series = session.get_one(Sequence, crowd.series_id)
        return series.name, [(step.id, step.article.title) for step in series.current_steps]


@pytest.mark.parametrize(
    ("stage", "told", "people"),
    [("in", "is in the series “%s”", 3), ("finished", "has finished the series “%s”", 0),
     ("stopped", "had the series “%s” stopped", 1), ("never", "was never in the series “%s”", 4)],
)  # fmt: skip
def test_where_they_stand_is_clicked_together(desk: Desk, crowd: Crowd, stage: str, told: str, people: int) -> None:
    name, _ = _steps(crowd)
    assert "Choose a series." in _look(desk, "add:", **{"kind": "series"})
    shown = _look(desk, kind="series", series=crowd.series_id, stage=stage)
    assert f"Everybody who {told % name}. {people} p" in shown


def test_the_next_step_is_chosen_from_those_there_are(desk: Desk, crowd: Crowd) -> None:
    name, steps = _steps(crowd)
    (first, title), (second, other) = steps[:2]
    html = desk.post(NEW, do="look", **{"r.kind": "all", "r.0.kind": "step", "r.0.step": str(first)}).text
    assert f'<option value="{second}">{name}: step 2, {other}</option>' in html
    told = f"Everybody who gets step 1 (“{title}”) of the series “{name}” next."
    assert f"{told} 3 people now" in readable(html)
    assert "gets step 2" in _look(desk, kind="step", step=second)
    assert "0 people now" in _look(desk, kind="step", step=second)


def test_a_step_that_is_gone_is_told_and_nobody(desk: Desk, crowd: Crowd, runtime: Runtime) -> None:
    name, ((first, title), *_rest) = _steps(crowd)
    id = saved(runtime, Rules(AtStep(first)), "Beginners")
    with runtime.database.transaction() as session:
        session.get_one(Sequence, crowd.series_id).current_steps[0].remove(NOON)
    told = f"“{title}” is not a step of the series “{name}” any more. Choose another step."
    assert f"{told} So nobody is in this segment." in readable(desk.get(f"/owner/segments/{id}"))
    assert f"{first} (is not there any more)" in desk.read(f"/owner/segments/{id}")
    assert told in desk.read(f"/owner/subscribers?segment={id}")
    assert "There is no step “999” any more." in _look(desk, kind="step", step=999)
    assert "There is no series “999” any more." in _look(desk, kind="series", series=999, stage="never")


def test_it_is_exported_and_mailed_to(desk: Desk, crowd: Crowd, runtime: Runtime, article: int) -> None:
    id = saved(runtime, Rules(InSeries(crowd.series_id, Stage.NEVER)), "Not in it")
    desk.post("/owner/proof", password_again=PASSWORD)
    exported = desk.client.get(f"/owner/subscribers/export.csv?segment={id}").text
    assert {line.split(",")[0] for line in exported.splitlines()[1:]} == {*OTHERS, "pip@example.com"}
    assert not any(one in exported for one in ASKED)
    told = desk.told("/owner/campaigns/new", article=str(article), audience=f"segment:{id}")
    assert "are in the segment “Not in it”: 3 now." in told
    with runtime.database.reading() as session:
        assert session.scalars(select(Campaign).where(Campaign.segment_id == id)).one()
