"""Compiling: which mails have a skeleton, which one, and that every other mail is composed for each reader."""

import shutil
from dataclasses import replace
from pathlib import Path
from quopri import decodestring
from typing import Any

import pytest

from newsletter import content
from newsletter.brand import Brand
from newsletter.mail.render import BadArticle, Content, Renderer
from newsletter.mail.render.draft import alike
from newsletter.settings import ROOT
from newsletter.subscribers import Stream
from tests.conftest import NOON
from tests.mail.render.conftest import WORDS, claimed


@pytest.mark.parametrize(
    "body",
    [
        "{% if first_name %}a{% endif %}",
        "{% if first_name == 'Bob' %}a{% elif not first_name %}b{% else %}c{% endif %}",
        "{{ library_url | upper }}",
        "{{ view_url | truncate(9) }}",
        "{{ unsubscribe_url | default('https://example.org') }}",
    ],
)
@pytest.mark.parametrize("place", ["subject", "preheader", "body"])
def test_logic_in_a_text_is_worked_out_for_each_reader(renderer: Renderer, house: Brand, body: str, place: str) -> None:
    words = Content(**{"subject": "s", "preheader": "p", "body": "b", place: body})
    assert renderer.compile(claimed(Stream.STEP, "Bob"), house, words) is None
    assert renderer.compose(claimed(Stream.STEP, "Bob"), house, words, NOON).data


@pytest.mark.parametrize(
    "code",
    [
        "first_name|default('friend')",
        "greeting|upper",
        "first_name|title|truncate(3)",
        "brand.address_lines|join('; ')",
    ],
)
@pytest.mark.parametrize("name", ["", "Anna", "zoë o'neil"])
def test_a_filter_on_the_name_or_the_brand_is_spliced(renderer: Renderer, house: Brand, code: str, name: str) -> None:
    words = Content(
        f"For {{{{ {code} }}}}!", f"{{{{ {code} }}}}", f"Hi {{{{ {code} }}}} <https://x.org/?{{{{ {code} }}}}>"
    )
    one = claimed(Stream.STEP, name)
    skeleton = renderer.compile(one, house, words)
    assert skeleton is not None
    assert alike(skeleton.splice(one, NOON), renderer.compose(one, house, words, NOON))


def test_a_text_that_cannot_be_filled_in_has_no_skeleton_and_compose_says_why(renderer: Renderer, house: Brand) -> None:
    words = Content("s", "", "[The guide]({{ guide_pdf }})")  # a campaign is about no guide
    assert renderer.compile(claimed(Stream.CAMPAIGN), house, words) is None
    with pytest.raises(BadArticle, match="guide_pdf"):
        renderer.compose(claimed(Stream.CAMPAIGN), house, words, NOON)
    assert renderer.compile(claimed(Stream.CAMPAIGN), house, Content("{{ oops }}", "", "b")) is None


def test_a_text_with_a_word_of_our_own_in_it_is_composed(renderer: Renderer, house: Brand) -> None:
    for word in [f'zqs{variable}"sqz' for variable in ("0", "7", "subject", "preheader")]:
        for words in (Content(word, "p", "b"), Content("s", word, "b"), Content("s", "p", word)):
            assert renderer.compile(claimed(Stream.STEP), house, words) is None


def test_a_link_in_a_subject_is_no_skeletons_work(renderer: Renderer, house: Brand) -> None:
    assert renderer.compile(claimed(Stream.STEP), house, Content("{{ view_url }}", "", "b")) is None


@pytest.mark.parametrize(
    ("plain", "looks"),
    [
        ("{{ why }}", "{% if 'Anna' in body_html %}{{ why }}{% endif %}"),
        ("{{ subject }}</h1>", "{{ subject | upper }}</h1>"),
        ("{{ body_html | safe }}", "{{ body_html | safe | replace('Hello', 'Goodbye') }}"),
        ('href="{{ view_url }}"', 'href="{{ view_url | lower }}"'),
    ],
)
def test_a_frame_that_looks_at_its_reader_has_no_skeleton(
    renderer: Renderer, house: Brand, tmp_path: Path, plain: str, looks: str
) -> None:
    shutil.copytree(ROOT / "templates" / "email", tmp_path / "email")
    frame = tmp_path / "email" / "article" / "html.html"
    assert plain in frame.read_text()
    frame.write_text(frame.read_text().replace(plain, looks, 1))
    other = replace(renderer, templates=tmp_path)
    words = Content("For {{ first_name }}", "", "{{ greeting }}")
    assert other.compile(claimed(Stream.STEP), house, words) is None
    assert renderer.compile(claimed(Stream.STEP), house, words) is not None


@pytest.mark.parametrize("stream", [stream for stream in Stream if not stream.is_bulk])
def test_what_a_person_waits_for_is_composed(renderer: Renderer, house: Brand, stream: Stream) -> None:
    assert renderer.compile(claimed(stream), house, WORDS if stream is Stream.TEST else None) is None
    assert renderer.compile(claimed(stream), house, WORDS) is None


def test_every_article_of_a_new_install_has_a_skeleton(renderer: Renderer, house: Brand) -> None:
    files = sorted((ROOT / "content" / "series").rglob("*.md"))
    assert len(files) > 10
    for file in files:
        words = Content(file.stem, "", content.read(file)[1])
        assert renderer.compile(claimed(Stream.STEP), house, words) is not None, file.stem


def _copy(house: Brand, **changed: str) -> Brand:
    return Brand(**{column.key: getattr(house, column.key) for column in Brand.__mapper__.column_attrs} | changed)


@pytest.mark.parametrize(
    "change",
    [
        {"dispatch_id": 10},
        {"revision_id": 4},
        {"stream": Stream.STEP},
        {"context": {"guide": "recover-from-pain"}},
        {"fields": {"first_name": "Bob"}, "id": 78, "subscriber_id": 6, "email": "bob@example.com"},
    ],
)
def test_one_skeleton_for_all_readers_of_a_mail_and_another_for_each_mail(
    renderer: Renderer, house: Brand, change: dict[str, Any]
) -> None:
    one = claimed(Stream.CAMPAIGN)
    first = renderer.compile(one, house, WORDS)
    again = renderer.compile(replace(one, **change), _copy(house), WORDS)
    assert first is not None and (again is first) == ("email" in change)


def test_a_new_brand_or_new_words_make_a_new_skeleton(renderer: Renderer, house: Brand) -> None:
    jane = claimed(Stream.CAMPAIGN)
    moved = _copy(house, address="1 New Street\nLondon")
    skeleton = renderer.compile(jane, moved, WORDS)
    assert skeleton is not None and skeleton is not renderer.compile(jane, house, WORDS)
    moved.address = "2 Newer Street"  # the skeleton keeps what it was made of, for slow readers too
    for name in ("Jane", "Ja\nne"):
        assert b"1 New Street" in decodestring(skeleton.splice(replace(jane, fields={"first_name": name}), NOON).data)
    assert renderer.compile(jane, house, replace(WORDS, preheader="Six")) is not renderer.compile(jane, house, WORDS)
