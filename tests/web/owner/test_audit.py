"""The audit log: who changed what, with a way there, and what stood there before."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import accounts
from newsletter.accounts import AuditEntry, Owner, differing
from newsletter.accounts.audit import LONGEST_VALUE, forget_mentions
from newsletter.campaigns import Campaign
from newsletter.forms import Form
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.web.owner.conftest import EMAIL, Desk

BRAND = {"name": "A practice", "author": "Ann", "email": "ann@example.com", "zone": "Europe/London",
         "address": "1 A St", "language": "en-GB", "series_wait_days": "2"}  # fmt: skip


def _entry(runtime: Runtime, action: str) -> AuditEntry:
    with runtime.database.reading() as session:
        look = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id.desc())
        return session.scalars(look).first() or pytest.fail(f"nobody noted {action}")


def test_i_see_who_changed_our_name_and_what_it_was_before(desk: Desk) -> None:
    desk.post("/owner/settings/brand", **BRAND)
    desk.post("/owner/settings/brand", **{**BRAND, "name": "Another practice", "series_wait_days": "3"})
    words = desk.read("/owner/audit?what=brand+saved")
    assert "2 values changed" in words and "name before: A practice after: Another practice" in words
    assert "series wait days before: 2 after: 3" in words and f"{EMAIL} brand saved" in words
    assert 'href="/owner/settings#brand">brand saved</a>' in desk.get("/owner/audit")


def test_a_form_a_text_and_the_sites_keep_what_stood_there(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        form = session.scalars(select(Form).order_by(Form.id)).first()
        assert form is not None
        id, was = form.id, form.button
    page = {"name": "Box", "headline": "H", "words": "W", "button": "Send it", "ground": "#ffffff", "ink": "#000000",
            "accent": "#005500", "language": ""}  # fmt: skip
    assert "Saved." in desk.told(f"/owner/forms/{id}", **page)
    assert ["button", was, "Send it"] in (_entry(runtime, "form saved").changes or [])
    desk.post("/owner/texts/guide", subject="Here it is", body="Hello.", closing="Bye.", base="0")
    assert ["subject", "", "Here it is"] in (_entry(runtime, "words of a mail saved").changes or [])
    desk.post("/owner/forms/sites", sites="https://blog.example.org")
    assert _entry(runtime, "sites of forms saved").changes == [["sites", "", "https://blog.example.org"]]
    page_of = desk.get("/owner/audit")
    assert f'href="/owner/forms/{id}">form saved' in page_of and 'href="/owner/texts/guide">words of a mail' in page_of


def test_what_is_secret_by_its_name_is_never_kept_and_a_long_text_is_cut() -> None:
    assert differing({"api_key": "a", "a": 1}, {"api_key": "b", "a": 1}) == [["api_key", "…", "…"]]
    assert differing({"smtp_password": ""}, {"smtp_password": "hunter2"}) == [["smtp_password", "…", "…"]]
    [[_, before, after]] = differing({"a": ["x", "y"]}, {"a": "x" * (LONGEST_VALUE + 1)})
    assert before == "x, y" and after == "x" * LONGEST_VALUE + "…"


def test_an_entry_leads_to_what_it_is_about_while_that_is_there(desk: Desk, runtime: Runtime, article: int) -> None:
    path = desk.post("/owner/campaigns/new", article=article, audience="").request.path
    assert f'href="{path}">campaign drafted' in desk.get("/owner/audit")
    with runtime.database.transaction() as session:
        session.delete(session.get_one(Campaign, int(path.rsplit("/", 1)[1])))
    page = desk.get("/owner/audit")
    assert f'href="{path}"' not in page and "campaign drafted" in page


def test_a_person_and_a_kind_narrow_the_log_and_its_pager_keeps_them(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        paula = session.scalars(select(Owner)).one()
        wanda = accounts.create(session, "wanda@example.org", "quite unlikely green teapots", NOON)
        for number in range(60):
            accounts.note(session, wanda, NOON + timedelta(minutes=number), "topic added", f"t{number:02}")
        accounts.note(session, None, NOON, "sign-in refused", "somebody")
        one, other = paula.id, wanda.id
    page = desk.get(f"/owner/audit?who={other}&what=topic+added")
    assert "t59" in page and "t10" in page and "t09" not in page
    following = page.split('class="pager"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert f"who={other}" in following and "what=topic+added" in following
    rest = desk.get(following)
    assert "t09" in rest and "t10" not in rest
    assert "t59" not in desk.get(f"/owner/audit?who={one}")
    nobody = desk.get("/owner/audit?who=0")
    assert "somebody" in nobody and "t59" not in nobody
    assert "Nothing like that was noted" in desk.get("/owner/audit?what=no+such")


def test_an_erased_address_goes_out_of_the_values_too(runtime: Runtime, owner: int) -> None:
    with runtime.database.transaction() as session:
        values = differing({"email": "Jane@example.com"}, {"email": "ann@example.com"})
        accounts.note(session, None, NOON, "brand saved", "email", changes=values)
        forget_mentions(session, "jane@example.com")
    assert _entry(runtime, "brand saved").changes == [["email", "[erased]", "ann@example.com"]]
