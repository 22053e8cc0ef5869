"""Whatever a check finds, it leads to the place where it is mended, and the place is there."""

from collections.abc import Callable

import pytest
from flask import Flask

from newsletter.campaigns import Campaign
from newsletter.preflight import Check, Level, Mend
from newsletter.runtime import Runtime
from newsletter.subscribers import Field
from newsletter.web.owner.mending import WORDS, place_of
from newsletter.web.owner.permissions import NEEDED
from tests.conftest import NOON
from tests.web.owner.conftest import Desk


@pytest.fixture
def draft(desk: Desk, article: int, person: Callable[..., int]) -> int:
    """A draft to Jane."""
    person("jane@example.com", "Jane")
    return int(desk.post("/owner/campaigns/new", article=article, audience="").request.path.rsplit("/", 1)[1])


@pytest.mark.parametrize("mend", Mend)
def test_every_finding_has_a_place_that_is_there(
    desk: Desk, app: Flask, runtime: Runtime, draft: int, mend: Mend
) -> None:
    with runtime.database.transaction() as session:
        field = Field(key="town", label="Town", created_at=NOON)
        session.add(field)
        session.flush()
        campaign, at = session.get_one(Campaign, draft), str(field.id) if mend is Mend.FIELD else ""
        other = campaign if mend is Mend.OTHER_CAMPAIGN else None
        check = Check("A check", Level.WARNING, "Something.", other, mend=mend, at=at)
        with app.test_request_context():
            endpoint, url = place_of(session, check, campaign)
    assert endpoint in NEEDED and str(WORDS[mend])
    path, _, anchor = url.partition("#")
    page = desk.get(path)
    assert not anchor or f'id="{anchor}"' in page or (anchor, mend) == ("spam", Mend.SPAM), "SPAMD is not set here"
