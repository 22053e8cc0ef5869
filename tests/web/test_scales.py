"""The style sheets of our own pages: lengths between things, and sizes of type, come from two short scales."""

import re

import pytest

from newsletter.settings import ROOT

SPACES = {"--s1": ".25rem", "--s2": ".5rem", "--s3": ".75rem", "--s4": "1rem", "--s5": "1.5rem", "--s6": "2rem",
          "--s7": "3rem", "--s8": "4rem", "--s9": "6rem"}  # fmt: skip
SIZES = {"--t0": ".75rem", "--t1": ".875rem", "--t2": "1rem", "--t3": "1.125rem", "--t4": "1.25rem", "--t5": "1.5rem",
         "--t6": "1.75rem", "--t7": "clamp(1.75rem, 1.25rem + 2.5vw, 2.75rem)"}  # fmt: skip
SHEETS = ("owner", "site", "mailbox")
"""Not `embed`, which stands in other people's pages and has pixels of its own, nor `book`, which is set like a book."""
BETWEEN = re.compile(r"(?:margin|padding|scroll-margin|scroll-padding)(?:-[a-z-]+)?|(?:row-|column-)?gap")
GROWS = re.compile(r"clamp\((.+?), -?[\d.]+vw, (.+?)\)(?= |$)")
"""With the window, from one step to another."""
ON_THE_SCALE = re.compile(r"0|-?[12]px|auto|var\((--s\d)\)|calc\(-1 \* var\((--s\d)\)\)")
"""0, a hairline, what is left over, a step or a step back."""
BESIDE_IT = {
    "html { font-size: clamp(1.0625rem, 1rem + .25vw, 1.1875rem)": "the measure of all others",
    ".alone { margin: 12vh auto var(--s6)": "a small page stands where the eye looks, whatever the screen",
    "li > a, p > a:not(.button) { padding-block: .1em": "what can be pressed of a word, in text of any size",
    ".prose code { font-size: .9em": "in text of any size",
    ".prose code { padding: .1em .3em": "in text of any size",
    ".chart-word { font-size: 12px": "units of a drawing, which is drawn in any width",
    ".chart-word { font-size: 20px": "units of a drawing, which is drawn in any width",
    "body, .hero, .site-footer { font-size: 11pt": "on paper",
}
"""What is on no scale, and why."""


def declared(sheet: str) -> list[tuple[str, str, str]]:
    """(selector, property, value) of all that a sheet says, innermost selectors only."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "static" / "css" / f"{sheet}.css").read_text(encoding="utf-8"), flags=re.S)
    return [
        (selector.strip(), *(part.strip() for part in one.split(":", 1)))  # type: ignore[misc]
        for selector, body in re.findall(r"([^{};]+)\{([^{}]*)\}", text)
        for one in body.split(";")
        if ":" in one
    ]


def between_fits(value: str) -> bool:
    """Whether each of its lengths is a step."""
    parts = re.findall(r"calc\([^)]*\)\)|\S+", GROWS.sub(r"\1 \2", value))
    found = [ON_THE_SCALE.fullmatch(part) for part in parts]
    return all(found) and all((one[1] or one[2] or "--s1") in SPACES for one in found if one)


def type_fits(name: str, value: str) -> bool:
    """A step of the scale, alone or in the short form; or what stands around it says."""
    size = value if name == "font-size" else re.sub(r"/.*|(?:normal|italic|\d{3}) ", "", value)
    found = [re.fullmatch(r"var\((--t\d)\)", part) for part in GROWS.sub(r"\1 \2", size).split()]
    return value == "inherit" or all(one and one[1] in SIZES for one in found)


def faults(sheet: str) -> list[str]:
    """What is on no scale."""
    return [
        f"{selector} {{ {name}: {value}"
        for selector, name, value in declared(sheet)
        if (BETWEEN.fullmatch(name) and not between_fits(value))
        or (name in ("font", "font-size") and not type_fits(name, value))
    ]


@pytest.mark.parametrize("sheet", SHEETS)
def test_lengths_and_sizes_of_type_are_on_the_scales(sheet: str) -> None:
    assert [one for one in faults(sheet) if one not in BESIDE_IT] == []


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_scales_are_the_same_everywhere(sheet: str) -> None:
    said = {name: value for _, name, value in declared(sheet) if re.fullmatch(r"--[st]\d", name)}
    assert said == SPACES | SIZES


def test_what_is_beside_the_scales_is_still_there() -> None:
    assert set(BESIDE_IT) <= {one for sheet in SHEETS for one in faults(sheet)}
