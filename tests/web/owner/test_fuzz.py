"""No input makes a 500: every route and method there is, with hostile paths, queries, forms, files, JSON and headers.

Both tests are made from the application itself (`url_map`, and the forms on its pages), so a new route is among them.
All of it to every route would take minutes: each route gets a share of every kind, the next one the next share.
"""

import io
import itertools
import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import Rule

from newsletter.app import create_app
from newsletter.journey import Proof
from newsletter.links import Purpose
from newsletter.mail.render.counted import Destination
from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.web.owner.door import OPEN_TO_ALL
from tests.accounts.device import Device
from tests.conftest import copied, copy_database
from tests.feeds.blog import add_feed
from tests.web.conftest import Form, Visitor, _Forms
from tests.web.owner.conftest import Desk
from tests.web.owner.hostile import HEADERS, IDS, JSON, KINDS, KINDS_OF_TEXT, METHODS, NAMES, QUERIES, RAW
from tests.web.owner.keyring import Person
from tests.web.owner.test_pictures import sent

# A hundred requests go to each route; on PostgreSQL, which takes less than SQLite does.
pytestmark = pytest.mark.real
T = TypeVar("T")


@dataclass
class House:
    """What is copied for each route: to live in a house takes longer than to beset one route of it."""

    media: Path
    database: str = ""
    session: str = ""
    token: str = ""


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[House]:
    """The house in which each kind of row is number 1, once a first test has lived in it."""
    kept = House(media=tmp_path_factory.mktemp("house") / "media")
    yield kept
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {kept.database or 'none'}")


@pytest.fixture
def database_url(postgres_server: str, house: House) -> Iterator[str]:
    """A copy of the house, or of an empty one for the first test."""
    with copied(postgres_server, house.database or "template_newsletter") as url:
        yield url


@pytest.fixture
def lived_in(
    request: pytest.FixtureRequest, app: Flask, runtime: Runtime, house: House, postgres_server: str, database_url: str
) -> Desk:
    """Paula's browser, in a house where each kind of row is number 1."""
    media = runtime.settings.data_dir / "media"
    if house.database:
        shutil.copytree(house.media, media)
        desk = Desk(app.test_client())
        desk.client.set_cookie("session", house.session)
        desk.token = house.token
        return desk
    desk = request.getfixturevalue("desk")
    _live_in(desk, request.getfixturevalue("article"), runtime)
    shutil.copytree(media, house.media)
    cookie = desk.client.get_cookie("session")
    assert cookie is not None
    house.session, house.token = cookie.value, desk.token
    runtime.database.dispose()
    lived = f"house_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        copy_database(admin, make_url(database_url).database, lived)
    house.database = lived
    return desk


def _live_in(desk: Desk, article: int, runtime: Runtime) -> None:
    visitor = desk.client.application.test_client()
    page = visitor.get("/")
    form = _Forms(page.text).found[0]
    Visitor(visitor).send(form, email="jane@example.com", newsletter="y")
    confirm = f"/confirm/{runtime.signer.token(Purpose.CONFIRM, 1, 2**40)}"
    visitor.post(confirm, data=_Forms(visitor.get(confirm).text).found[0].fields)
    choices = f"/preferences/{runtime.signer.token(Purpose.PREFERENCES, 1)}"
    (asks,) = [one for one in _Forms(visitor.get(choices).text).found if "move" in one.fields]
    assert visitor.post(choices, data={**asks.fields, "address": "jane@new.example.com"}).status_code == 303
    desk.post("/owner/campaigns/new", article=article, audience="")
    desk.post("/owner/pictures", file=sent(), words="A field")
    add_feed(runtime, "http://127.0.0.1:1/feed")
    assert "recovery codes" in Person(desk, Device()).add()


def _rules() -> list[Rule]:
    app = create_app(load({"DATA_DIR": "unused", "SECRET_KEY": "k" * 40, "PUBLIC_URL": "http://localhost:8000"}))
    return sorted(app.url_map.iter_rules(), key=str)


def _paths(rule: Rule, runtime: Runtime, number: int) -> Iterator[str]:
    """The rule with values that are sound, and with a share of values that are not."""
    sound = {name: _sound(rule, name, runtime) for name in rule.arguments}
    yield _filled(rule, sound)
    for name in rule.arguments:
        for value in _share((*IDS, "..%2f..%2fetc", "a" * 3000, "%ff", "A" * 28), number, 4):
            yield _filled(rule, {**sound, name: value})


def _tokens(rule: Rule, runtime: Runtime) -> list[str]:
    """Every kind of token that opens something here; the one that ends most comes last."""
    signer = runtime.signer
    if rule.rule.startswith("/c/"):
        sealed = Destination("https://example.org/", 1, 1).sealed(signer)
        return [f"{sealed}.{signer.token(Purpose.CLICK, 1)}"]
    if rule.rule.startswith("/not-me/"):
        return [signer.token(Purpose.REFUSE, 1, 1, 2, 3, 4)]
    if rule.rule.startswith("/own/"):
        kinds = (Proof.DATA, Proof.STAY, Proof.MOVE, 7, Proof.ERASE)
        return [signer.token(Purpose.OWN, kind, 1, 2**40) for kind in kinds]
    purpose = next((p for p in Purpose if f"/{p}/" in rule.rule), Purpose.VIEW)
    numbers = {Purpose.CONFIRM: (1, 2**40), Purpose.DOWNLOAD: (1, 1, 2**40), Purpose.UNSUBSCRIBE: (1, 1)}
    return [signer.token(purpose, *numbers.get(purpose, (1,)))]


def _sound(rule: Rule, name: str, runtime: Runtime) -> str:
    if name == "token":
        return _tokens(rule, runtime)[0]
    converter = rule._converters[name]
    if type(converter).__name__ == "AnyConverter":
        return sorted(converter.items)[0]
    texts = {"slug": "exercise-at-50", "filename": "css/site.css", "colour": "8a3b12"}
    return texts.get(name, "1")


def _sound_paths(rule: Rule, runtime: Runtime) -> list[str]:
    """The rule with sound values, with each kind of token that it takes."""
    sound = {name: _sound(rule, name, runtime) for name in rule.arguments}
    tokens = _tokens(rule, runtime) if "token" in rule.arguments else [""]
    return [_filled(rule, {**sound, "token": token}) for token in tokens]


def _filled(rule: Rule, values: dict[str, str]) -> str:
    return "".join(values[part] if is_value else part for is_value, part in rule._trace if part != "|")


SHARE = 8
"""Of what besets, a route gets the eighth part, of values in its path a quarter, and of texts the half."""


def _share(every: Sequence[T], number: int, parts: int = SHARE) -> Sequence[T]:
    """What this route gets; the next one gets the next share."""
    return every[number % parts :: parts]


def _bodies(names: set[str], token: str, number: int) -> Iterator[dict[str, Any]]:
    """What may come where a form is expected. The token is right, so that it goes further than the gate."""
    header = {"X-CSRFToken": token}
    for text in _share(JSON, number):
        yield {"data": text.encode(), "content_type": "application/json", "headers": header}
    for kind in _share(KINDS, number):
        yield {"data": b"--x\r\nname=", "content_type": kind, "headers": header}
    for raw in _share(RAW, number):
        body = f"csrf_token={token}&email=".encode() + raw
        yield {"data": body, "content_type": "application/x-www-form-urlencoded"}
    files = {name: (io.BytesIO(b"\xff\0"), "x\0.txt", "a/b") for name in names}
    yield {"data": {**files, "csrf_token": token}, "content_type": "multipart/form-data"}
    yield {"data": {name: [token if name == "csrf_token" else "1"] * 2 for name in names}}
    yield {"data": {f"f{n}": "1" for n in range(3000)}, "headers": header}


def _safe(answer: Any, *asked: object) -> None:
    """Not the server's fault, and no traceback. (A page that is streamed fails while it is read.)"""
    assert answer.status_code < 500, (answer.status_code, *asked)
    assert b"Traceback (most recent" not in answer.data
    answer.close()


def _knock(client: FlaskClient, rule: Rule, token: str, runtime: Runtime, number: int) -> None:
    """Paths, methods, queries, headers and bodies of a route's share."""
    paths = list(_paths(rule, runtime, number))
    for path in paths:
        _safe(client.open(path, method="GET" if "GET" in (rule.methods or ()) else "POST"), path)
    for method in METHODS:
        _safe(client.open(paths[0], method=method, data={"csrf_token": token}), method, paths[0])
    if "GET" in (rule.methods or ()):
        for text in _share(_texts(number), number, 2):
            query = dict.fromkeys(NAMES | QUERIES, text)
            _safe(client.get(paths[0], query_string=query), rule, query)
        for raw in _share(RAW, number):
            _safe(client.get(paths[0], query_string=raw.decode("latin-1")), rule, raw)
    for headers in _share(HEADERS, number):
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        _safe(client.open(paths[0], method=method, headers=headers, data=b""), method, rule, headers)
    for path in _sound_paths(rule, runtime):
        _safe(client.get(path), path)
        for body in _bodies(NAMES, token, number) if "POST" in (rule.methods or ()) else ():
            _safe(client.post(path, **body), rule, str(body)[:300])


@pytest.mark.parametrize(("number", "rule"), [pytest.param(*one, id=str(one[1])) for one in enumerate(_rules())])
def test_no_route_takes_anything_amiss(number: int, rule: Rule, lived_in: Desk, app: Flask, runtime: Runtime) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    own = next(one for one in app.url_map.iter_rules(rule.endpoint) if str(one) == str(rule))
    form_token = runtime.signer.token(Purpose.FORM, 2**40)
    if not rule.endpoint.startswith("owner."):
        _knock(app.test_client(), own, form_token, runtime, number)
        return
    lived_in.post("/owner/settings/zone", zone="Europe/London")  # which finds the token
    _knock(lived_in.client, own, lived_in.token, runtime, number)
    if rule.endpoint in OPEN_TO_ALL:
        _knock(app.test_client(), own, form_token, runtime, number)
        return
    for path, method in itertools.product(_sound_paths(own, runtime), METHODS):  # nobody comes past the door
        _safe(app.test_client().open(path, method=method, data={"csrf_token": form_token}), method, path)


ENDS = ("owner.logout", "owner.session_end", "owner.subscriber_erase")
"""After these there is nothing to beset any more."""


def _every_form(desk: Desk, runtime: Runtime) -> dict[str, Form]:
    """The forms on every page that can be opened without an argument, or with a sound one: one for each route."""
    found = {}
    adapter = desk.client.application.url_map.bind("localhost")
    for rule in _rules():
        if "GET" not in (rule.methods or ()):
            continue
        for path in _sound_paths(rule, runtime):
            page = desk.client.get(path, buffered=True)
            for form in _Forms(page.text).found if page.mimetype == "text/html" else ():
                form.action = form.action or path
                try:
                    endpoint, values = adapter.match(urlsplit(form.action).path, method="POST")
                except MethodNotAllowed:  # a search: what its query may hold is beset by the other test
                    continue
                found.setdefault(f"{endpoint} {values.get('verb', '')} {sorted(form.fields)}", form)
    return found


def _texts(number: int) -> list[str]:
    """One text of each kind, the next ones for the next field: every text meets every sort of field somewhere."""
    return [kind[number // 2 % len(kind)] for kind in KINDS_OF_TEXT]  # which half of the kinds is drawn by the last bit


@pytest.mark.parametrize("part", range(3))
def test_no_form_takes_any_value_amiss(lived_in: Desk, app: Flask, runtime: Runtime, part: int) -> None:
    """Each field for itself, for one bad value would hide what another does; then what is sound, with any header.

    One field gets every second kind of text, the next one the others.
    """
    app.config["PROPAGATE_EXCEPTIONS"] = False
    every = {name: form for name, form in _every_form(lived_in, runtime).items() if not name.startswith(ENDS)}
    assert len(every) > 20, json.dumps(sorted(every))
    forms = dict(sorted(every.items())[part::3])
    fields = itertools.count()
    for name, form in forms.items():
        more = {"body", "topic", "article"} if name.startswith("owner.") else {"email"}
        for field in sorted(set(form.fields) - {"csrf_token"} | more):
            number = next(fields)
            for text in _share(_texts(number), number, 2):
                _safe(lived_in.client.post(form.action, data={**form.fields, field: text}), name, field, text[:50])
    for number, (name, form) in enumerate(forms.items()):
        sound = {**form.fields, "email": "jane@example.com"}
        for headers in _share(HEADERS, number):
            _safe(lived_in.client.post(form.action, data=sound, headers=headers), name, headers)
