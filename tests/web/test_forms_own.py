"""What a form has of its own: topics that its owner has settled, and a picture. In every place where it stands."""

import gzip
import json
import re
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import select

from newsletter import forms as form_rows
from newsletter import media, topics
from newsletter.forms import Form
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, Subscriber, TopicChoice, consent_topics, topic_choice
from newsletter.wordings import Wording
from tests.conftest import NOON, InlineTrigger
from tests.web.conftest import PAIN, Visitor, forms
from tests.web.owner.conftest import readable

Link = Callable[..., str]
ALONE = "newsletter about Rehabilitation to this address"


def picture(runtime: Runtime, width: int = 400, height: int = 300) -> str:
    """One of the library; its name."""
    out = BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(out, "PNG")
    with runtime.database.transaction() as session:
        return media.add(session, runtime.media, media.prepare(BytesIO(out.getvalue())), "A field", NOON).name


def _change(runtime: Runtime, slug: str, **values: object) -> None:
    with runtime.database.transaction() as session:
        form = form_rows.named(session, slug)
        assert form is not None
        for name, value in values.items():
            setattr(form, name, value)


def _settle(runtime: Runtime, slug: str, *names: str) -> list[int]:
    with runtime.database.reading() as session:
        ids = [one.id for one in topics.every(session) if one.name in names]
    _change(runtime, slug, fixed_topics=ids)
    return ids


def _told(visitor: Visitor, slug: str) -> dict[str, object]:
    code = visitor.get(f"/embed/{slug}.js").text
    told: dict[str, object] = json.loads(code[code.rindex("})({") + 3 : code.rindex(',"')])
    return told


@pytest.mark.parametrize("offers", [True, False])
def test_settled_topics_stand_in_the_sentence_and_nobody_chooses(
    offers: bool, visitor: Visitor, runtime: Runtime
) -> None:
    _change(runtime, "footer", offers_topics=offers)
    _settle(runtime, "footer", "Rehabilitation")
    for path in ("/f/footer", "/embed/footer", "/privacy"):
        page = visitor.get(path).text
        assert ALONE in readable(page), path
        assert 'name="topics"' not in page, path
    told = _told(visitor, "footer")
    assert ALONE in str(told["consent"])
    assert told["topics"] == []


def test_who_signs_up_takes_those_topics_and_no_others_and_the_consent_says_so(
    visitor: Visitor, runtime: Runtime, link: Link, trigger: InlineTrigger
) -> None:
    ids = _settle(runtime, "footer", "Rehabilitation")
    visitor.press("/f/footer", email="jane@example.com", topics="2")  # a tick that the form has not got
    with runtime.database.reading() as session:
        assert session.scalars(select(Consent)).all() == []
    visitor.press("/f/footer", email="jane@example.com")
    trigger.wake()
    with runtime.database.reading() as session:
        consent = session.scalars(select(Consent)).one()
        assert consent_topics(session, [consent]) == TopicChoice.of(ids)
        assert ALONE in session.scalars(select(Wording.words).join(Consent)).one()
    asked = link("confirm")
    assert "newsletter about Rehabilitation, until you leave it" in readable(visitor.get(asked).text)
    visitor.press(asked)
    with runtime.database.reading() as session:
        jane = session.scalars(select(Subscriber)).one()
        assert jane.newsletter
        assert topic_choice(session, jane) == TopicChoice.of(ids)


def test_the_unticked_box_of_a_guides_form_names_them(visitor: Visitor, runtime: Runtime) -> None:
    ids = _settle(runtime, PAIN, "Rehabilitation", "Training")
    page = visitor.get(f"/guides/{PAIN}")
    assert "newsletter about Rehabilitation and Training. I can leave" in readable(page.text)
    visitor.subscribe(guide=PAIN, newsletter="y")
    with runtime.database.reading() as session:
        assert consent_topics(session, session.scalars(select(Consent)).all()) == TopicChoice.of(ids)


def test_words_that_were_read_before_the_topics_were_settled_are_asked_about(
    visitor: Visitor, runtime: Runtime
) -> None:
    seen = forms(visitor.get("/f/footer"))[0]
    _settle(runtime, "footer", "Rehabilitation")
    assert "has changed since you opened the page" in readable(visitor.send(seen, email="jane@example.com").text)


@pytest.mark.parametrize(("size", "height"), [((400, 300), 54), ((200, 900), 108), ((900, 20), 2)])
def test_its_picture_stands_in_every_embed_with_room_kept_for_it(
    size: tuple[int, int], height: int, visitor: Visitor, runtime: Runtime
) -> None:
    name = picture(runtime, *size)
    _change(runtime, PAIN, picture=name, picture_words='A "field"')
    src, words, told = _told(visitor, PAIN)["cover"]  # type: ignore[misc]
    assert (src, words, told) == (f"http://localhost/media/{name}/144.webp", 'A "field"', height)
    room = f'width="72" height="{height}"'
    for path in (f"/embed/{PAIN}", f"/f/{PAIN}", "/"):
        page = visitor.get(path).text
        (shown,) = re.findall(rf'<img[^>]*src="/media/{name}/144.webp"[^>]*>', page)
        assert room in shown, path
        assert 'alt="A &#34;field&#34;"' in shown, path
    answer = visitor.get(f"/media/{name}/144.webp")
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("image/webp", "public, max-age=31536000, immutable")
    assert Image.open(BytesIO(answer.data)).width <= 144


def test_the_script_stays_small_with_both(visitor: Visitor, runtime: Runtime) -> None:
    _change(runtime, PAIN, picture=picture(runtime), picture_words="A field in the evening, with two people on it")
    _settle(runtime, PAIN, "Rehabilitation", "Training")
    answer = visitor.browser.get(f"/embed/{PAIN}.js", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(answer.data)
    assert len(answer.data) <= 6000


@pytest.mark.parametrize("path", ["no.png/144.webp", "{name}/145.webp", "{name}/0.webp", "{name}/99999999999.webp"])
def test_no_other_width_and_no_other_file_is_made(path: str, visitor: Visitor, runtime: Runtime) -> None:
    assert visitor.get("/media/" + path.format(name=picture(runtime))).status_code == 404


def test_a_copy_has_both_and_an_archived_one_keeps_them(runtime: Runtime) -> None:
    ids = _settle(runtime, PAIN, "Rehabilitation")
    _change(runtime, PAIN, picture="x-10x10.png", picture_words="A field")
    with runtime.database.transaction() as session:
        form = form_rows.named(session, PAIN)
        assert form is not None
        made = form_rows.copy_of(session, form, NOON)
        form.archive(NOON)
        form.restore()
        for one in (made, form):
            assert (one.fixed_topics, one.picture, one.picture_words) == (ids, "x-10x10.png", "A field")
    with runtime.database.reading() as session:
        assert form_rows.showing(session, "x-10x10.png") == [
            one.name for one in session.scalars(select(Form).where(Form.picture.is_not(None)).order_by(Form.id))
        ]
