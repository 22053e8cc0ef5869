"""What a new owner does before the first campaign: ticked by what is so."""

import json
from collections.abc import Callable
from io import BytesIO

import pytest
from sqlalchemy import select

from newsletter import accounts
from newsletter.accounts import Role
from newsletter.campaigns import Campaign
from newsletter.forms import every
from newsletter.forms.sighting import note_sighting
from newsletter.imports import import_csv
from newsletter.runtime import Runtime
from newsletter.sending import LookKind, SendingLook
from newsletter.web.owner import first_steps
from tests.web.owner.conftest import Desk
from tests.web.owner.test_permissions import become

TITLE = "Before your first campaign"


def _ticked(desk: Desk) -> list[str]:
    page = desk.get("/owner/")
    items = page.split('<ol class="first-steps">')[1].split("</ol>")[0].split("<li")[1:]
    return [item.split("<a ")[1].split(">")[1].split("<")[0] for item in items if 'class="done"' in item]


def test_a_new_owner_sees_what_is_to_be_done(desk: Desk) -> None:
    assert f"{TITLE}: 0 of 7" in desk.read("/owner/")
    assert _ticked(desk) == []


def test_each_step_is_ticked_by_what_is_so(
    desk: Desk, runtime: Runtime, article: int, person: Callable[..., int]
) -> None:
    person("jane@example.com")  # who has signed up was not brought in
    form = {
        "name": "A practice",
        "author": "Ann",
        "email": "ann@example.com",
        "zone": "Europe/London",
        "address": "1 A St",
    }
    desk.post("/owner/settings/brand", **form, language="en-GB", series_wait_days="2")
    assert _ticked(desk) == ["Say who you are"]
    desk.post(f"/owner/articles/{article}/test", number="1")
    assert _ticked(desk) == ["Say who you are", "Send yourself an article"]
    file = BytesIO(b"email\njoe@example.com\n")
    import_csv(runtime.database, file, "Signed a sheet.", runtime.secrets, runtime.clock.now())
    assert "Bring the people you have" in _ticked(desk)


@pytest.mark.parametrize(
    ("origin", "counts"),
    [("http://127.0.0.1:8026", False), ("http://127.0.0.1:9000", True), ("https://blog.example.org", True)],
)
def test_a_form_counts_wherever_it_was_seen_but_on_the_example_blog(
    origin: str, counts: bool, desk: Desk, runtime: Runtime
) -> None:
    with runtime.database.transaction() as session:
        note_sighting(session, every(session)[0].id, origin, runtime.clock.now())
    assert ("Put a form on your site" in _ticked(desk)) is counts


def test_once_a_campaign_has_gone_out_nobody_is_told_any_more(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        campaign = session.scalars(select(Campaign)).first()
        assert campaign is not None
        campaign.launched_at = runtime.clock.now()
    assert TITLE not in desk.read("/owner/")


HERE = "Mail stays on this machine"


@pytest.mark.parametrize(
    ("smtp", "stays"),
    [
        ("", True),
        ("smtp://127.0.0.1:2525?tls=none", True),
        ("smtp://127.0.0.1:25?tls=none", False),
        ("smtp://127.0.0.1:2525?tls=none,smtp://mx.example.org:25", False),
    ],
)
def test_home_says_for_as_long_as_it_is_so_that_mail_stays_here(
    smtp: str, stays: bool, desk: Desk, runtime: Runtime
) -> None:
    runtime.settings = runtime.settings.model_copy(update={"smtp_url": smtp})
    assert HERE not in desk.read("/owner/"), "the list says it"
    assert ("Let mail out" in _ticked(desk)) is not stays
    with runtime.database.transaction() as session:
        session.scalars(select(Campaign)).one().launched_at = runtime.clock.now()
    assert (HERE in desk.read("/owner/")) is stays
    become(runtime.database, Role.EDITOR)
    page = desk.read("/owner/")
    assert (HERE in page) is stays and ("Whoever may change the settings" in page) is stays


@pytest.mark.parametrize(
    ("lights", "leaves", "is_ticked"),
    [
        ((), False, False), ((), True, True), (("good", "unknown"), False, True), (("good", "wrong"), True, False),
        (("missing",), True, False), (("unknown",), False, False), (("unknown",), True, True),
    ],
)  # fmt: skip
def test_sender_and_domain_are_ticked_by_what_is_known_of_them(
    lights: tuple[str, ...], leaves: bool, is_ticked: bool, desk: Desk, runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(first_steps, "stays_here", lambda _: not leaves)
    found = {"findings": [{"part": "spf", "light": one, "why": "", "name": "x"} for one in lights]}
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        session.add(
            SendingLook(kind=LookKind.DOMAIN, name="", asked_at=now, looked_at=now, found_json=json.dumps(found))
        )
    assert "Sender and domain" not in _ticked(desk), "the example’s sender is nobody’s own"
    with runtime.database.transaction() as session:
        accounts.note(session, None, runtime.clock.now(), "brand saved", "email")
    assert ("Sender and domain" in _ticked(desk)) == is_ticked
