"""What breaks a parser goes at entry, and nothing else is lost."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import articles, characters
from newsletter.brand import Brand
from newsletter.guides import Guide
from tests.conftest import NOON

ANYTHING = st.text(st.one_of(st.characters(), st.sampled_from("\x00\x0b\x0c\x1f\x7f\x85\x9f\ud800\ufeff\ufffe\uffff")))


@given(ANYTHING)
def test_what_is_kept_is_well_formed_xml_and_comes_back_as_it_was(typed: str) -> None:
    kept = characters.text(typed)
    root = ElementTree.Element("a")
    root.text = kept
    assert (ElementTree.fromstring(ElementTree.tostring(root, encoding="utf-8")).text or "") == kept
    assert characters.text(kept) == kept
    assert "\n" not in characters.line(typed)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"], exclude_characters="\ufeff")))
def test_letters_of_every_script_stay(typed: str) -> None:
    assert characters.text(typed) == typed


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("slide\vtwo", "slide\ntwo"),
        ("page\fbreak", "page\nbreak"),
        ("\ufeff# Hello\r\n\r\nText\r", "# Hello\n\nText\n"),
        ("a\x00b\x07c\x1b[31md", "abc[31md"),
        ("tab\tstays", "tab\tstays"),
        ("line\u2028separator", "line\nseparator"),
    ],
)
def test_line_ends_of_other_programs_become_ours_and_controls_go(typed: str, kept: str) -> None:
    assert characters.text(typed) == kept


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_as_its_program_wrote_it(codec: str) -> None:
    assert characters.decode("Grüße 李\r\n".encode(codec)) == "Grüße 李\n"


def test_a_file_of_another_encoding_is_told_by_line() -> None:
    with pytest.raises(characters.NotText, match=r"Line 2 is not UTF-8\. Save"):
        characters.decode("one\nGrüße".encode("cp1252"))


def test_every_text_of_an_owner_goes_through_it() -> None:
    bad = "a\x0bb\x00"
    article = articles.Article(slug="s", title=bad, created_at=NOON, updated_at=NOON)
    article.revise(NOON, subject=bad, preheader=bad, body=bad)
    brand = Brand(id=1, name=bad, strapline=bad, author=bad, email=bad, address=bad)
    guide = Guide(slug="s", title=bad, box=bad)
    words = article.current
    assert {article.title, words.subject, words.preheader, brand.name, brand.strapline, guide.title, guide.box} == {
        "a b"
    }
    assert (words.body, brand.address) == ("a\nb", "a\nb")
