"""Robots at every door: ten thousand of their posts mail nobody, and each is stopped by one guard alone."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count, islice, product
from typing import Any

import altcha
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from newsletter.clock import FixedClock
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Subscriber, read_address
from newsletter.web import robots
from tests.web.conftest import FIFTY, PAIN, Visitor, forms, solved

POSTS = [("box", 1_000), ("own page", 1_000), ("iframe", 1_000), *[("script", 1_750)] * 4]
"""Ten thousand by door; what answers with a page takes three times as long. In parts, which run beside each other."""
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
DOORS = {
    "box": ("/subscribe", FIFTY), "own page": ("/f/footer", "footer"), "iframe": (f"/embed/{PAIN}", PAIN),
    "script": (f"/embed/{FIFTY}", FIFTY),
}  # fmt: skip
"""Where each posts to, and which form that is. A plain form on another site posts where our own page does."""


@dataclass(frozen=True)
class Post:
    """What is sent through a door."""

    door: str
    email: str
    proof: str = ""
    press: str = ""
    website: str = ""
    client: str = HERE

    def send(self, app: Flask) -> TestResponse:
        """Send it."""
        url, slug = DOORS[self.door]
        fields: dict[str, Any] = {"email": self.email, "website": self.website, "proof": self.proof}
        body: dict[str, Any] = {"json": fields} if self.door == "script" else {
            "data": {**fields, "press": self.press, "guide": slug}
        }  # fmt: skip
        return app.test_client().post(url, environ_base={"REMOTE_ADDR": self.client}, **body)


@dataclass
class Stage:
    """The site, its clock, and what robots have gathered there."""

    app: Flask
    clock: FixedClock

    def challenge(self, door: str, client: str = HERE) -> dict[str, Any]:
        """A challenge for a door's form."""
        got = self.app.test_client().get(f"/embed/{DOORS[door][1]}.json", environ_base={"REMOTE_ADDR": client})
        return dict(got.json["challenge"])

    def proof(self, door: str, client: str = HERE, ages: timedelta = robots.PROOF_LIFE / 2) -> str:
        """A proof for a door's form, which is as old as that."""
        made = solved(self.challenge(door, client))
        self.clock.forward(ages)
        return made

    def press(self, email: str, form: str, ages: timedelta = robots.PRESS_LIFE / 2) -> str:
        """The button that was shown for this address, so long ago."""
        with self.app.test_request_context(environ_base={"REMOTE_ADDR": HERE}):
            made = robots.press_token(form, read_address(email))
        self.clock.forward(ages)
        return made


Made = Callable[[Stage, str, str, bool], Post]
"""From the stage, a door and an address: a robot's post; or the same with that one thing put right."""
SOON = timedelta(milliseconds=900)


def _fills_in_everything(stage: Stage, door: str, email: str, right: bool) -> Post:
    return Post(door, email, proof=stage.proof(door), website="" if right else "https://spam.example")


def _has_no_proof(stage: Stage, door: str, email: str, right: bool) -> Post:
    return Post(door, email, proof=stage.proof(door) if right else "")


def _is_too_fast(stage: Stage, door: str, email: str, right: bool) -> Post:
    return Post(door, email, proof=stage.proof(door, ages=robots.PROOF_LIFE / 2 if right else SOON))


def _comes_with_an_old_proof(stage: Stage, door: str, email: str, right: bool) -> Post:
    late = robots.PROOF_LIFE + timedelta(seconds=1)
    return Post(door, email, proof=stage.proof(door, ages=robots.PROOF_LIFE / 2 if right else late))


def _has_solved_another_forms(stage: Stage, door: str, email: str, right: bool) -> Post:
    other = "box" if DOORS[door][1] != FIFTY else "iframe"
    return Post(door, email, proof=stage.proof(door if right else other))


def _has_it_from_another_client(stage: Stage, door: str, email: str, right: bool) -> Post:
    return Post(door, email, proof=stage.proof(door), client=HERE if right else ELSEWHERE)


def _has_guessed(stage: Stage, door: str, email: str, right: bool) -> Post:
    proof = json.loads(base64.b64decode(stage.proof(door)))
    if not right:
        proof["solution"]["counter"] += 1
    return Post(door, email, proof=base64.b64encode(json.dumps(proof).encode()).decode())


def _made_its_own_challenge(stage: Stage, door: str, email: str, right: bool) -> Post:
    data = stage.challenge(door)["parameters"]["data"]
    own = altcha.create_challenge("SHA-256", 1, counter=1, key_prefix_length=8, data=data, hmac_secret="guessed")
    proof = solved(own.to_dict())
    return Post(door, email, proof=stage.proof(door) if right else proof)


def _has_an_easier_challenge(stage: Stage, door: str, email: str, right: bool) -> Post:
    challenge = stage.challenge(door)
    stage.clock.forward(robots.PROOF_LIFE / 2)
    if not right:
        challenge["parameters"]["keyPrefix"] = ""
    return Post(door, email, proof=solved(challenge))


MADE: list[Made] = [
    _fills_in_everything, _has_no_proof, _is_too_fast, _comes_with_an_old_proof, _has_solved_another_forms,
    _has_it_from_another_client, _has_guessed, _made_its_own_challenge, _has_an_easier_challenge,
]  # fmt: skip


def _pressed_for_another(stage: Stage, door: str, email: str, right: bool) -> Post:
    shown = email if right else "somebody@else.example"
    return Post(door, email, press=stage.press(shown, DOORS[door][1]))


def _pressed_too_fast(stage: Stage, door: str, email: str, right: bool) -> Post:
    return Post(door, email, press=stage.press(email, DOORS[door][1], robots.PRESS_LIFE / 2 if right else SOON))


def _pressed_long_ago(stage: Stage, door: str, email: str, right: bool) -> Post:
    late = robots.PRESS_LIFE + timedelta(seconds=1)
    return Post(door, email, press=stage.press(email, DOORS[door][1], robots.PRESS_LIFE / 2 if right else late))


def _pressed_on_another_form(stage: Stage, door: str, email: str, right: bool) -> Post:
    return Post(door, email, press=stage.press(email, DOORS[door][1] if right else "elsewhere"))


def _pressed_elsewhere(stage: Stage, door: str, email: str, right: bool) -> Post:
    return Post(door, email, press=stage.press(email, DOORS[door][1]), client=HERE if right else ELSEWHERE)


PRESSED: list[Made] = [
    _pressed_for_another, _pressed_too_fast, _pressed_long_ago, _pressed_on_another_form, _pressed_elsewhere
]  # fmt: skip
ROBOTS = [
    *product(MADE, DOORS), *((made, door) for made in PRESSED for door in DOORS if door != "script")
]  # fmt: skip
"""Who comes, and through which door: the script shows no page with a button."""


@pytest.fixture
def stage(app: Flask, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """With the time that a form takes at least."""
    monkeypatch.setattr(robots, "LEAST_TIME", timedelta(seconds=1))
    return Stage(app, clock)


def addresses() -> Iterator[str]:
    """Each in a domain of its own, so that no limit for a mailbox or a domain stops them."""
    return (f"jane@n{number}.example" for number in count())


def mails(runtime: Runtime) -> tuple[int, int]:
    """How many people and messages there are."""
    with runtime.database.reading() as session:
        return (session.scalar(select(func.count(Subscriber.id))) or 0,
                session.scalar(select(func.count(Message.id))) or 0)  # fmt: skip


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("made", "door"), ROBOTS)
def test_each_robot_is_stopped_by_one_guard_alone(made: Made, door: str, stage: Stage, runtime: Runtime) -> None:
    """With that one thing put right, the same post is a person's: so no guard stands in for another that is missing."""
    robot, person = islice(addresses(), 2)
    made(stage, door, robot, False).send(stage.app)
    assert mails(runtime) == (0, 0)
    made(stage, door, person, True).send(stage.app)
    assert mails(runtime) == (1, 1)


@pytest.mark.parametrize("door", DOORS)
def test_a_proof_is_good_for_one_address(door: str, stage: Stage, runtime: Runtime) -> None:
    first, second = islice(addresses(), 2)
    post = Post(door, first, proof=stage.proof(door))
    assert post.send(stage.app).status_code == replace(post).send(stage.app).status_code, "sent twice by a browser"
    assert mails(runtime) == (1, 1)
    replace(post, email=second).send(stage.app)
    assert mails(runtime) == (1, 1)


def _uses_a_readers_proof(stage: Stage, door: str, email: str, right: bool) -> Post:
    post = Post(door, f"reader@{door.replace(' ', '-')}.example", proof=stage.proof(door))
    post.send(stage.app)
    return replace(post, email=post.email if right else email)


@pytest.mark.real  # ten seconds for each door
@pytest.mark.sqlite_only
@pytest.mark.parametrize(("door", "posts"), POSTS)
def test_ten_thousand_posts_of_robots_mail_nobody(
    door: str, posts: int, stage: Stage, runtime: Runtime, sent: SentList
) -> None:
    """Of every kind, through each door, for lists of addresses; among them a proof that a reader has used."""
    names, answers = addresses(), Counter[int]()
    kinds = [*(made for made, through in ROBOTS if through == door), _uses_a_readers_proof]
    for made in kinds:
        first = made(stage, door, next(names), False)
        of_kind = [first, *(replace(first, email=next(names)) for _ in range(posts // len(kinds)))]
        answers.update(post.send(stage.app).status_code for post in of_kind)
    assert sum(answers.values()) >= posts
    assert mails(runtime) == (1, 1) and len(sent.envelopes) == 1, "the reader's"


def test_who_presses_too_soon_presses_again(visitor: Visitor, stage: Stage, runtime: Runtime) -> None:
    page = visitor.browser.post("/f/footer", data={"email": "jane@example.com"})
    for _ in range(3):
        stage.clock.forward(timedelta(milliseconds=300))
        page = visitor.browser.post("/f/footer", data=forms(page)[0].fields)
        assert page.status_code == 200 and mails(runtime) == (0, 0)
    stage.clock.forward(timedelta(milliseconds=300))
    assert "Check your inbox" in visitor.browser.post("/f/footer", data=forms(page)[0].fields).text
    assert mails(runtime) == (1, 1)


def test_no_proof_and_no_press_is_an_error_of_ours(app: Flask) -> None:
    @given(st.one_of(st.text(), st.binary().map(lambda raw: base64.b64encode(raw).decode()), _json()))
    def asked(told: str) -> None:
        assert not robots.is_person("footer", read_address("jane@example.com"), told, told)

    with app.test_request_context():
        asked()


def _json() -> st.SearchStrategy[str]:
    """What looks like a proof, with anything in it."""
    leaf = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
    value = st.recursive(
        leaf, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)), max_leaves=4
    )
    names = ("algorithm", "nonce", "salt", "cost", "keyPrefix", "data", "expiresAt")
    parameters = st.one_of(value, st.fixed_dictionaries(dict.fromkeys(names, value)))
    challenge = st.one_of(value, st.fixed_dictionaries({"parameters": parameters, "signature": value}))
    solution = st.one_of(value, st.fixed_dictionaries({"counter": value, "derivedKey": value}))
    whole = st.one_of(value, st.fixed_dictionaries({"challenge": challenge, "solution": solution}))
    return whole.map(lambda told: base64.b64encode(json.dumps(told).encode()).decode())


def test_a_challenge_tells_nothing_of_the_client_or_the_key(stage: Stage, runtime: Runtime) -> None:
    told = json.dumps(stage.challenge("box"))
    assert HERE not in told and runtime.secrets[0].decode() not in told and len(told) < 600
    assert (
        stage.challenge("box")["parameters"]["data"]["for"]
        != stage.challenge("box", ELSEWHERE)["parameters"]["data"]["for"]
    )


def test_only_what_can_be_signed_up_for_has_a_challenge(visitor: Visitor, runtime: Runtime) -> None:
    assert visitor.get("/embed/nothing.json").status_code == 404
    assert visitor.get(f"/embed/{PAIN}.json").headers["Cache-Control"] == "no-store"
    for form in forms(visitor.get("/")):
        assert visitor.get(form.challenge).status_code == 200
