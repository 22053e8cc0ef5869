"""Who may do what: every route of the owner's area, as every role, and as nobody. Made from the routes themselves."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from newsletter import accounts, brand, campaigns
from newsletter.accounts import Owner, Permission, Role
from newsletter.accounts.permissions import ALLOWED, may
from newsletter.articles import Article
from newsletter.bulk_actions import ActionKind, ActionState, BulkAction, People
from newsletter.campaigns import Campaign, Judge
from newsletter.db import Database
from newsletter.runtime import Runtime
from newsletter.sequences import Step
from newsletter.web.owner import permissions
from tests.campaigns.conftest import WISH
from tests.conftest import NOON
from tests.web.owner.conftest import EMAIL, PASSWORD, Desk, readable
from tests.web.owner.test_pictures import sent

TABLE = {
    Role.OWNER: set(Permission),
    Role.EDITOR: {
        Permission.OWN, Permission.READ, Permission.WRITE, Permission.SEND, Permission.ARRANGE, Permission.PEOPLE
    },
    Role.WRITER: {Permission.OWN, Permission.READ, Permission.WRITE},
    Role.VIEWER: {Permission.OWN, Permission.READ},
}  # fmt: skip
DAY = timedelta(days=1)
ROLES = pytest.mark.parametrize("role", list(Role), ids=str)


def become(database: Database, role: Role, email: str = EMAIL) -> None:
    """Give somebody of the team a role, from outside the browser in which they are signed in."""
    with database.transaction() as session:
        session.scalars(select(Owner).where(Owner.email == email)).one().role = role


@pytest.fixture
def lived_in(desk: Desk, article: int, person: Callable[..., int]) -> Desk:
    """Paula's browser, in a house with something on most pages."""
    person("jane@example.com", "Jane")
    desk.post("/owner/campaigns/new", article=article, audience="")
    desk.post("/owner/pictures", file=sent(), words="A field")
    desk.post("/owner/settings/clicks", clicks="on")
    return desk


def _tried(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Method, path and endpoint of each route behind the door, with number 1 for each row."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("owner.") and rule.endpoint.removeprefix("owner.") not in permissions.OPEN:
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                yield method, _path(rule), rule.endpoint


def _path(rule: Rule) -> str:
    values = {name: _value(rule, name) for name in rule.arguments}
    return "".join(values[part] if is_value else part for is_value, part in rule._trace if part != "|")


def _value(rule: Rule, name: str) -> str:
    converter = rule._converters[name]
    return sorted(converter.items)[0] if type(converter).__name__ == "AnyConverter" else "1"


def test_the_table_of_roles_is_this_one() -> None:
    assert ALLOWED == TABLE


@ROLES
def test_each_route_lets_in_whom_the_table_says(role: Role, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    app = desk.client.application
    desk.post("/owner/settings/zone")  # gets a token
    for endpoint in app.view_functions:  # it must be reached, or not: what it does is tested elsewhere
        if endpoint.startswith("owner."):
            monkeypatch.setitem(app.view_functions, endpoint, lambda **_values: "reached")
    become(app.extensions["newsletter"].runtime.database, role)
    wrong = []
    for method, path, endpoint in _tried(app):
        answer = desk.client.open(path, method=method, data={"csrf_token": desk.token})
        allowed = may(role, permissions.NEEDED[endpoint.removeprefix("owner.")])
        if (answer.status_code, answer.text == "reached") != ((200, True) if allowed else (403, False)):
            wrong.append((method, path, answer.status_code))
    assert wrong == []


def test_nobody_is_let_in_without_signing_in(desk: Desk) -> None:
    stranger, wrong = desk.client.application.test_client(), []
    for method, path, _endpoint in _tried(desk.client.application):
        answer = stranger.open(path, method=method)
        is_sent_away = answer.status_code == 302 and "/owner/login" in answer.location
        if not (is_sent_away if method == "GET" else is_sent_away or answer.status_code == 400):
            wrong.append((method, path, answer.status_code))
    assert wrong == []


def test_a_route_that_nobody_has_named_stops_the_start(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions.check(app)
    monkeypatch.delitem(permissions.NEEDED, "dashboard")
    with pytest.raises(ValueError, match="dashboard"):
        permissions.check(app)
    monkeypatch.setitem(permissions.NEEDED, "dashboard", Permission.READ)
    monkeypatch.setitem(permissions.NEEDED, "POST:no_such_page", Permission.READ)
    with pytest.raises(ValueError, match="no_such_page"):
        permissions.check(app)


class _Page(HTMLParser):
    """What a page leads to: its links, and where its forms go."""

    def __init__(self, page: str, own: str) -> None:
        super().__init__()
        self.leads: set[tuple[str, str]] = set()
        self._own = own
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        seen = dict(attrs)
        if tag == "a":
            self.leads.add(("GET", seen.get("href") or self._own))
        elif tag == "form":
            self.leads.add(((seen.get("method") or "get").upper(), seen.get("action") or self._own))


def _forbidden(app: Flask, role: Role, page: str, own: str) -> list[tuple[str, str]]:
    """What a page leads to that this role may not open or press."""
    routes, found = app.url_map.bind("localhost"), []
    for method, address in sorted(_Page(page, own).leads):
        path = re.sub(r"[?#].*", "", address)
        if not path.startswith("/owner"):
            continue
        try:
            endpoint = routes.match(path, method=method)[0].removeprefix("owner.")
        except HTTPException:
            continue
        if endpoint not in permissions.OPEN and not may(role, permissions.NEEDED[endpoint]):
            found.append((method, path))
    return found


@pytest.mark.parametrize("role", [Role.EDITOR, Role.WRITER, Role.VIEWER], ids=str)
def test_no_page_shows_what_the_role_cannot_do(role: Role, lived_in: Desk, runtime: Runtime) -> None:
    become(runtime.database, role)
    app, wrong = lived_in.client.application, {}
    for method, path, endpoint in _tried(app):
        if method == "GET" and may(role, permissions.NEEDED[endpoint.removeprefix("owner.")]):
            answer = lived_in.client.get(path, buffered=True)
            if answer.mimetype == "text/html" and (found := _forbidden(app, role, answer.text, path)):
                wrong[path] = found
    assert wrong == {}


def test_a_changed_role_counts_from_the_next_request_on(lived_in: Desk, runtime: Runtime) -> None:
    assert lived_in.client.get("/owner/audit").status_code == 200
    become(runtime.database, Role.VIEWER)
    assert lived_in.client.get("/owner/audit").status_code == 403
    become(runtime.database, Role.OWNER)
    assert lived_in.client.get("/owner/audit").status_code == 200


def test_a_refusal_says_what_is_missing_and_whom_to_ask_and_keeps_the_text(lived_in: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        accounts.create(session, "olga@example.org", PASSWORD, NOON)
        accounts.create(session, "ed@example.org", PASSWORD, NOON, role=Role.EDITOR)
        accounts.create(session, "val@example.org", PASSWORD, NOON, role=Role.VIEWER)
    lived_in.get("/owner/settings")
    text = "Walk <script>alert(1)</script> a little every day, and not only on Sundays."
    lived_in.post("/owner/articles/new")
    become(runtime.database, Role.VIEWER)
    answer = lived_in.post("/owner/articles/new", title="On walks", body=text, password="not to be seen")
    told = readable(answer.text)
    assert answer.status_code == 403 and text.replace("<", "&lt;").replace(">", "&gt;") in answer.text
    assert (
        "You are signed in as viewer. Only some may write articles and draft campaigns: owner, editor, writer." in told
    )
    assert "olga@example.org" in told and "ed@example.org" in told and "val@example.org" not in told.split("Ask one")[1]
    assert "not to be seen" not in answer.text and "Nothing was changed" in told
    with runtime.database.reading() as session:
        assert not session.scalar(select(Article).where(Article.title == "On walks"))
    answer = lived_in.client.post(
        "/owner/articles/draft", data={"csrf_token": lived_in.token}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 403 and "write articles" in answer.json["error"]


@pytest.fixture
def writer(lived_in: Desk, runtime: Runtime) -> Desk:
    """A browser in which a writer sits; Olga is the owner."""
    lived_in.post("/owner/settings/zone")  # gets a token
    with runtime.database.transaction() as session:
        accounts.create(session, "olga@example.org", PASSWORD, NOON)
    become(runtime.database, Role.WRITER)
    return lived_in


@pytest.mark.parametrize("where", ["scheduled", "series", "archive"])
def test_a_writer_changes_no_words_that_readers_get_as_they_stand(
    where: str, writer: Desk, article: int, runtime: Runtime
) -> None:
    form = {"title": "On walking", "subject": "Other words", "body": "{{ greeting }}, quite other words.", "base": "1"}
    with runtime.database.transaction() as session:
        found = session.get_one(Article, article)
        if where == "scheduled":
            drafted = session.scalars(select(Campaign).where(Campaign.article_id == article)).one()
            drafted.schedule(NOON + DAY, brand.current(session))
        elif where == "series":
            session.scalars(select(Step)).first().article_id = article  # type: ignore[union-attr]
        else:
            found.publish(NOON)
    answer = writer.post(f"/owner/articles/{article}/edit", **form)
    assert answer.status_code == 422 and "quite other words" in answer.text
    assert "for those to save who may send: olga@example.org" in readable(answer.text)
    assert "who may send" in writer.told(f"/owner/articles/{article}/versions/1/restore")
    with runtime.database.reading() as session:
        assert session.get_one(Article, article).current.number == 1
    become(runtime.database, Role.EDITOR)
    assert writer.post(f"/owner/articles/{article}/edit", **form).status_code == 200
    with runtime.database.reading() as session:
        assert session.get_one(Article, article).current.subject == "Other words"


def test_a_writer_changes_what_reaches_nobody_yet(writer: Desk, article: int, runtime: Runtime) -> None:
    form = {"title": "On walking", "subject": "Other words", "body": "Words.", "base": "1"}
    assert writer.post(f"/owner/articles/{article}/edit", **form).status_code == 200
    with runtime.database.reading() as session:
        assert session.get_one(Article, article).current.subject == "Other words"


def test_a_writer_sends_tests_to_their_own_address_only(writer: Desk, article: int) -> None:
    assert "own address only" in writer.told(f"/owner/articles/{article}/test", to="joe@example.com")
    assert f"on its way to {EMAIL}" in writer.told(f"/owner/articles/{article}/test", number="1")


def test_a_writer_does_not_change_the_test_of_what_is_scheduled(writer: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        house, one = brand.current(session), session.get_one(Campaign, 1)
        campaigns.make_ab_test(session, one, replace(WISH, judge=Judge.HAND), house, NOON)
        campaigns.together.schedule(session, one, NOON + DAY, house)
    assert "only who may send can change its test" in writer.told("/owner/campaigns/1/test", compares="")


def test_an_editor_does_not_go_on_with_an_erasure(writer: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        made = BulkAction.begin(session, People(), NOON, kind=ActionKind.ERASE, owner_id=1)
        made.state = ActionState.STOPPED
    become(runtime.database, Role.EDITOR)
    answer = writer.post("/owner/subscribers/actions/1/go-on")
    assert answer.status_code == 403 and "erase many subscribers at once" in readable(answer.text)
    with runtime.database.reading() as session:
        assert session.get_one(BulkAction, 1).state is ActionState.STOPPED


def test_search_leads_a_viewer_nowhere_that_is_closed(writer: Desk, runtime: Runtime) -> None:
    become(runtime.database, Role.VIEWER)
    app = writer.client.application
    for asked in ("a", "settings", "import", "e"):
        path = f"/owner/search?q={asked}"
        assert _forbidden(app, Role.VIEWER, writer.get(path), path) == [], asked
