"""Pictures of guides' pages as visitors get them: light ones to choose among, kept for ever, and never lost."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfWriter

from newsletter.guides import LARGE, WIDTHS, inspect
from newsletter.runtime import Runtime
from tests.web.conftest import FIFTY, PAIN, Visitor

FOR_EVER = "public, max-age=31536000, immutable"
PICTURE = re.compile(r'<picture><source type="image/webp" srcset="([^"]+)" sizes="[^"]+"><img([^>]*)></picture>')


def shown(page: str) -> list[tuple[dict[int, str], str]]:
    """Each picture of a page: the light files by width, and the attributes of the element for programs without WebP."""
    return [
        ({int(width): url for url, width in re.findall(r"(\S+) (\d+)w", srcset)}, attributes)
        for srcset, attributes in PICTURE.findall(page)
    ]


def attribute(of: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', of)
    return found[1] if found else ""


def own_file(runtime: Runtime, slug: str, pages: int = 3, shape: tuple[int, int] = (800, 450)) -> Path:
    """Another edition of a guide, as an owner sends one."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(*shape)
    out = BytesIO()
    writer.write(out)
    out.seek(0)
    runtime.guides.put(slug, runtime.guides.receive(out))
    return runtime.guides.of(slug)


@pytest.mark.parametrize(
    ("path", "many", "waiting"), [("/", 2, 1), ("/guides", 2, 1), (f"/guides/{PAIN}", 4, 3), (f"/guides/{FIFTY}", 4, 3)]
)
def test_a_page_offers_light_pictures_and_keeps_their_room(
    path: str, many: int, waiting: int, visitor: Visitor
) -> None:
    found = shown(visitor.get(path).text)
    assert len(found) == many
    assert ["loading" in attributes for _, attributes in found] == [False] * (many - waiting) + [True] * waiting
    for light, attributes in found:
        assert tuple(light) == WIDTHS
        assert (attribute(attributes, "width"), attribute(attributes, "height")) == ("640", "909")
        for width, address in light.items():
            answer = visitor.get(address)
            assert (answer.status_code, answer.mimetype) == (200, "image/webp")
            assert answer.headers["Cache-Control"] == FOR_EVER and "Vary" not in answer.headers
            with Image.open(BytesIO(answer.data)) as picture:
                assert picture.width == width
        whole = visitor.get(attribute(attributes, "src"))
        assert whole.mimetype == "image/png" and whole.headers["Cache-Control"] == FOR_EVER


def test_a_sample_leads_to_a_larger_picture_of_it(visitor: Visitor) -> None:
    found = re.findall(
        r'<a href="([^"]+-1200[.]webp[?]v=[^"]+)" data-large="1200">', visitor.get(f"/guides/{PAIN}").text
    )
    assert [re.findall(r"/(\d+)-1200", address) for address in found] == [["5"], ["13"], ["15"]]
    for address in found:
        answer = visitor.get(address)
        assert (answer.mimetype, answer.headers["Cache-Control"]) == ("image/webp", FOR_EVER)
        with Image.open(BytesIO(answer.data)) as picture:
            assert picture.width == LARGE


def test_pages_that_are_no_samples_are_not_to_be_had_as_webp_either(visitor: Visitor) -> None:
    assert visitor.get(f"/guides/{FIFTY}/pages/1-320.webp").status_code == 200
    for page in ("2-320", "0-320", "46-320"):
        answer = visitor.get(f"/guides/{FIFTY}/pages/{page}.webp")
        assert (answer.status_code, answer.location) == (302, f"/guides/{FIFTY}")
        assert "max-age" not in answer.headers.get("Cache-Control", ""), "it may be shown again tomorrow"
    assert visitor.get("/guides/none/pages/1-320.webp").status_code == 404


def test_without_todays_print_a_picture_is_kept_for_a_day(visitor: Visitor) -> None:
    for address in ("1.png", "1.png?v=older", "1-320.webp", "1-320.webp?v=older"):
        answer = visitor.get(f"/guides/{PAIN}/pages/{address}")
        assert answer.headers["Cache-Control"] == "public, max-age=86400", address


def test_a_new_edition_has_new_addresses_and_its_own_shape_and_the_old_ones_show_it(
    visitor: Visitor, runtime: Runtime
) -> None:
    before = shown(visitor.get(f"/guides/{PAIN}").text)
    stamp = inspect(own_file(runtime, PAIN, pages=21)).stamp
    after = shown(visitor.get(f"/guides/{PAIN}").text)
    assert len(after) == len(before)
    for (light, attributes), (earlier, earlier_attributes) in zip(after, before, strict=True):
        assert (attribute(attributes, "width"), attribute(attributes, "height")) == ("640", "360")
        for width, address in light.items():
            assert address.endswith(f"?v={stamp}") and address != earlier[width]
            old, new = visitor.get(earlier[width]), visitor.get(address)
            assert old.data == new.data and new.headers["Cache-Control"] == FOR_EVER
            assert old.headers["Cache-Control"] == "public, max-age=86400"
        assert visitor.get(attribute(earlier_attributes, "src")).status_code == 200


def test_a_sample_that_a_shorter_edition_lacks_leads_to_its_guide(visitor: Visitor, runtime: Runtime) -> None:
    before = shown(visitor.get(f"/guides/{PAIN}").text)
    own_file(runtime, PAIN, pages=3)
    for light, attributes in before[1:]:
        for address in (*light.values(), attribute(attributes, "src")):
            answer = visitor.get(address)
            assert (answer.status_code, answer.location) == (302, f"/guides/{PAIN}"), address
    assert visitor.get(f"/guides/{PAIN}").status_code == 200
    assert visitor.get("/guides/none/pages/3.png").status_code == 404
