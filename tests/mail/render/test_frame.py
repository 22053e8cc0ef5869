"""The layout of mails, compiled for a look: mails are sound in every one, and a skeleton is what the slow way gives."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.brand import Brand
from newsletter.contrast import READABLE, contrast, nearest
from newsletter.mail.render import BadFrame, Content, Reader, Renderer, compiled_frame, frame_key
from newsletter.mail.render.draft import ONCE, alike
from newsletter.mail.render.frame import DARK_COLOURS, DARK_SHEET, INK, QUIET, dark_accent, readable
from newsletter.settings import ROOT
from newsletter.subscribers import FIRST_NAME, Stream
from newsletter.theme import FIRST, ButtonStyle, Corners, Font, Look
from tests.mail.render.conftest import CONTEXTS, WRITTEN, claimed

FOLDER = ROOT / "templates" / "email"
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
HOSTILE = "<script>alert(1)</script> {{7*7}} {% block foot %} [[ look ]] %s =3D . & 'Zoë' 李\n.From me"
LOGO = {"logo": "0a1b2c3d4e-300x100.png", "logo_words": 'A "logo" <b> {{7*7}}', "logo_width": 150}
LOOKS = st.builds(
    Look, accent=COLOURS.map(lambda one: nearest(one, "#ffffff")), ground=COLOURS, font=st.sampled_from(Font),
    corners=st.sampled_from(Corners), button=st.sampled_from(ButtonStyle), guide_colours=st.booleans(),
    footer=st.sampled_from(["", "One line", HOSTILE])
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])),
)  # fmt: skip
DRESSED = Look(
    accent="#aa1122", ground="#203040", button=ButtonStyle.OUTLINE, corners=Corners.ROUND, footer=HOSTILE, **LOGO
)
WORDS = Content(
    "Hello {{ first_name }}",
    "",
    '{{ greeting }},\n\n[Go]({{ library_url }} "button")\n\n::: card\n[a](https://x.org)\n:::\n',
)
VOID = {"br", "hr", "img", "meta"}


class _Sound(HTMLParser):
    """Reads HTML strictly: what is opened is closed, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag


def _dressed(house: Brand, look: Look) -> Brand:
    return house.seen_in(look, compiled_frame(FOLDER, look))


def _mails(renderer: Renderer, house: Brand) -> Iterator[tuple[str, str]]:
    for stream in Stream:
        words = WORDS if stream in WRITTEN else None
        seen = renderer.rendered(stream, house, Reader(5, {FIRST_NAME: "Jane"}, 77), words, CONTEXTS[stream])
        yield seen.html, seen.text


def test_what_is_brought_along_is_what_is_compiled_today() -> None:
    assert (FOLDER / "layout.html").read_text() == compiled_frame(FOLDER, FIRST), "make layout"


@pytest.mark.parametrize("look", [FIRST, DRESSED], ids=["first", "dressed"])
def test_every_mail_is_sound_in_every_program(look: Look, renderer: Renderer, house: Brand) -> None:
    for html, text in _mails(renderer, _dressed(house, look)):
        _Sound(re.sub(r"<!--\[if mso\]>(.*?)<!\[endif\]-->", r"\1", html, flags=re.DOTALL))  # what Outlook reads
        seen = _Sound(html).seen
        assert not {"script", "link", "iframe", "form", "svg", "video"} & {tag for tag, _ in seen}
        assert all(one.get("role") == "presentation" for tag, one in seen if tag == "table")
        for _, one in ((tag, one) for tag, one in seen if tag == "img"):
            assert one.get("alt") is not None and (one.get("width") or "").isdigit()
        assert (
            '<table border="0" cellpadding="0" cellspacing="0" role="presentation" align="center" width="600">' in html
        )
        for lacking in ("@import", "url(", "var(", "display:flex", "display:grid", "position:", "Ubuntu"):
            assert lacking not in html, lacking
        assert html.count("<style") == 2 and len(html.encode()) < 102_000
        assert "{{" not in html.replace("{{7*7}}", "") and "[[" not in html.replace("[[ look ]]", "")
        assert text.count("{{7*7}}") == (look is DRESSED)


def test_an_owners_words_are_words(renderer: Renderer, house: Brand) -> None:
    for html, _ in _mails(renderer, _dressed(house, DRESSED)):
        assert "<script" not in html and "&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}} {% block foot %}" in html
        assert (
            'alt="A &quot;logo&quot; &lt;b&gt; {{7*7}}" height="50" src="http://localhost:8000/media/'
            in html.replace("A &quot;logo&quot; <b> ", "A &quot;logo&quot; &lt;b&gt; ")
        )


@settings(max_examples=20, deadline=None)
@given(LOOKS, st.sampled_from([{}, LOGO]), st.sampled_from(["Anna", "", "A&B <b> 李 {{7*7}}", "." * 90]))
def test_in_every_look_the_skeleton_is_what_the_slow_way_gives(
    renderer: Renderer, house: Brand, look: Look, logo: dict[str, object], name: str
) -> None:
    look = replace(look, **logo)
    brand, message = _dressed(house, look), claimed(Stream.CAMPAIGN, first_name=name)
    skeleton = renderer.compile(message, brand, WORDS)
    assert skeleton is not None
    assert alike(skeleton.splice(message, ONCE), renderer.compose(message, brand, WORDS, ONCE))
    assert look.ground.encode() in skeleton.template.replace(b"=\r\n", b"")


def test_a_footer_that_looks_like_a_gap_costs_speed_and_nothing_else(renderer: Renderer, house: Brand) -> None:
    brand = _dressed(house, replace(FIRST, footer='zqs0"sqz'))
    assert renderer.compile(claimed(Stream.CAMPAIGN), brand, WORDS) is None
    assert b'zqs0"sqz' in renderer.compose(claimed(Stream.CAMPAIGN), brand, WORDS, ONCE).data


def test_another_look_is_another_skeleton(renderer: Renderer, house: Brand) -> None:
    message = claimed(Stream.CAMPAIGN)
    one, other = (renderer.compile(message, _dressed(house, look), WORDS) for look in (FIRST, DRESSED))
    footer = renderer.compile(message, house.seen_in(replace(FIRST, footer="More"), ""), WORDS)
    assert one and other and footer and len({one.template, other.template, footer.template}) == 3


@given(COLOURS)
def test_all_that_stands_on_a_ground_can_be_read(ground: str) -> None:
    assert contrast(readable(ground, QUIET, INK), ground) >= READABLE


@given(COLOURS)
def test_the_dark_colour_can_be_read_and_so_can_a_buttons_label_on_it(colour: str) -> None:
    found = dark_accent(nearest(colour, "#ffffff"))
    assert contrast(found, DARK_SHEET) >= READABLE and contrast(found, DARK_COLOURS["label"]) >= READABLE
    assert contrast(found, DARK_COLOURS["ground"]) >= READABLE


def test_a_button_has_the_colour_where_it_is_filled_and_an_edge_where_it_is_not(
    renderer: Renderer, house: Brand
) -> None:
    filled, outlined = (
        renderer.rendered(Stream.CAMPAIGN, _dressed(house, look), Reader(1), WORDS, {}).html
        for look in (Look(accent="#aa1122", corners=Corners.ROUND), Look(accent="#aa1122", button=ButtonStyle.OUTLINE))
    )
    assert "background-color:#aa1122;border-radius:25px" in filled and "color:#ffffff" in filled
    assert "border:2px solid #aa1122;border-radius:6px" in outlined and "background-color:#aa1122" not in outlined


def test_who_only_renders_mail_never_loads_the_compiler(tmp_path: Path) -> None:
    code = (
        "import sys, worker, newsletter.preloaded\n"
        "from newsletter.mail.render import environment\n"
        "newsletter.preloaded.freeze()\n"
        "assert not [one for one in sys.modules if one.startswith('mjml')]\n"
    )
    environ = {"DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environ, check=True, timeout=120)


def test_without_the_compiler_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mjml", None)
    with pytest.raises(BadFrame, match="could not be compiled"):
        compiled_frame(FOLDER, DRESSED)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("</mj-column>", ""),
        ("{% block foot %}{% endblock %}", ""),
        ("{% block foot %}{% endblock %}", "{% block foot %}"),
        ("[[ text_font ]]", "[[ nothing ]]"),
        ("<mj-attributes>", '<mj-raw><link href="https://fonts.example/x" /></mj-raw><mj-attributes>'),
    ],
)
def test_a_layout_that_is_broken_is_told(good: str, bad: str, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "email")
    file = tmp_path / "email" / "layout.mjml"
    assert good in file.read_text()
    compiled_frame(tmp_path / "email", FIRST)
    file.write_text(file.read_text().replace(good, bad, 1))
    with pytest.raises(BadFrame):
        compiled_frame(tmp_path / "email", FIRST)


def test_a_frame_is_known_by_all_that_is_compiled_into_it(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "email")
    looks = [
        FIRST,
        *(replace(FIRST, **{name: getattr(DRESSED, name)}) for name in ("accent", "ground", "corners", "button")),
    ]
    keys = {
        frame_key(tmp_path / "email", one) for one in (*looks, replace(FIRST, font=Font.TIMES), replace(FIRST, **LOGO))
    }
    assert len(keys) == 7
    assert frame_key(tmp_path / "email", replace(FIRST, footer="More")) in keys, "words are filled in later"
    file = tmp_path / "email" / "layout.mjml"
    file.write_text(file.read_text().replace("26px", "27px"))
    assert frame_key(tmp_path / "email", FIRST) not in keys
