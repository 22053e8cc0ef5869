"""What veraPDF's report comes to in lines that an author can act on, and what is said where it is not to be had."""

from pathlib import Path
from types import ModuleType

import pypdf
import pytest

BOOK = Path(__file__).resolve().parents[2] / "static" / "guides" / "recover-from-pain.pdf"
FIGURE = """
<rule specification="ISO 14289-1:2014" clause="7.3" testNumber="1" status="{status}" failedChecks="{count}">
  <description>Figure tags shall include an alternative
    representation</description>
  <check status="failed"><context>root/document[0]/pages[20](106 0 obj PDPage)/annots[4](127 0 obj PDLinkAnnot)</context></check>
  <check status="failed"><context>root/document[0]/Outlines[0](outline 1834 0)</context></check>
</rule>
"""  # noqa: E501


def report(rule: str = "", *, compliant: bool = True, path: Path = BOOK) -> str:
    """A report of veraPDF on one book, as both the command and the library print it."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<report><jobs><job><item size="1"><name>{path}</name></item>
<validationReport profileName="PDF/UA-1 validation profile" isCompliant="{str(compliant).lower()}">
<details passedRules="99" failedRules="7" passedChecks="100" failedChecks="7">{rule}</details>
</validationReport></job></jobs></report>"""


def program(folder: Path, name: str, words: str) -> None:
    """A program that stands in for one of another owner, on a PATH of its own."""
    script = folder / name
    script.write_text(f"#!/bin/sh\n{words}\n")
    script.chmod(0o755)


def test_a_sound_book_is_one_verdict_with_its_checks(pdfua_script: ModuleType) -> None:
    assert [(one.path, one.checks, one.broken) for one in pdfua_script.read(report())] == [(BOOK, 107, ())]


@pytest.mark.parametrize("status", ["failed", "FAILED"])
def test_a_broken_rule_says_its_clause_its_count_and_the_pages(pdfua_script: ModuleType, status: str) -> None:
    (verdict,) = pdfua_script.read(report(FIGURE.format(status=status, count=9), compliant=False))
    (broken,) = verdict.broken
    assert pdfua_script.lines(BOOK, broken) == [
        "recover-from-pain.pdf: PDF/UA-1 7.3, test 1, fails 9 times: "
        "Figure tags shall include an alternative representation",
        "    page 21: annots[4](127 0 obj PDLinkAnnot)",
        "    root/document[0]/Outlines[0](outline 1834 0)",
        "    and 7 more",
    ]


def test_a_rule_that_passed_is_not_listed(pdfua_script: ModuleType) -> None:
    (verdict,) = pdfua_script.read(report(FIGURE.format(status="passed", count=0)))
    assert verdict.broken == ()


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<report><jobs>", "no XML"),
        (report(compliant=False), "contradicts itself"),
        (report(FIGURE.format(status="failed", count=2), compliant=True), "contradicts itself"),
        (
            "<report><jobs><job><item><name>a.pdf</name></item><taskException><exceptionMessage>End of file"
            "</exceptionMessage></taskException></job></jobs></report>",
            "a.pdf: veraPDF cannot read it: End of file",
        ),
    ],
)
def test_a_report_that_says_nothing_sure_is_a_failure(pdfua_script: ModuleType, xml: str, words: str) -> None:
    with pytest.raises(pdfua_script.BuildError, match=words):
        pdfua_script.read(xml)


def test_an_element_stands_on_the_page_of_its_first_part(pdfua_script: ModuleType) -> None:
    with pypdf.PdfReader(BOOK) as book:
        document = book.trailer["/Root"]["/StructTreeRoot"]["/K"][0].get_object()
        contexts = [f"root/K[0](1 0 obj SEDocument)/K[9]({part.idnum} 0 obj SEDiv Div)" for part in document["/K"]]
        pages = [pdfua_script.page_of(book, context) for context in contexts]
        assert pages == sorted(pages)
        assert pages[0] == 1
        assert pages[-1] in (len(book.pages) - 1, len(book.pages))  # the references
        assert pdfua_script.page_of(book, "root/document[0]/K[0](1 0 obj SEDocument)") is None


def test_the_command_is_preferred_to_the_library(
    pdfua_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "verapdf", f"cat <<'E'\n{report()}\nE")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert pdfua_script.check([BOOK]) == (["recover-from-pain.pdf  PDF/UA-1: 107 checks of veraPDF, none failed"], [])


def test_a_book_that_the_report_leaves_out_is_a_failure(
    pdfua_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "verapdf", f"cat <<'E'\n{report(path=tmp_path / 'other.pdf')}\nE")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(pdfua_script.BuildError, match="veraPDF says nothing of"):
        pdfua_script.check([BOOK])


def test_a_program_that_dies_is_a_failure_with_its_last_words(
    pdfua_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "verapdf", "echo 'no heap left' >&2; exit 3")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(pdfua_script.BuildError, match="printed no report: no heap left"):
        pdfua_script.check([BOOK])


def test_a_program_that_hangs_is_ended_with_all_it_started(
    pdfua_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "verapdf", "sleep 600 & sleep 600")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(pdfua_script, "CHECKING", 0.2)
    with pytest.raises(pdfua_script.BuildError, match="did not finish within"):
        pdfua_script.check([BOOK])


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ((), "neither verapdf nor java is on the PATH"),
        (("java",), "mvn, which fetches it, is not on the PATH"),
        (("java", "mvn"), r"Maven could not fetch veraPDF’s library \(central: no route to host\)"),
    ],
)
def test_what_is_missing_is_named_and_is_no_failure(
    pdfua_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], words: str
) -> None:
    for name in there:
        program(tmp_path, name, "echo '[ERROR] Plugin x: central: no route to host -> [Help 1]'; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pdfua_script, "LIBRARY", tmp_path / "library")
    with pytest.raises(pdfua_script.NotChecked, match=words):
        pdfua_script.check([BOOK])
    assert not list((tmp_path / "library").glob("*"))


@pytest.mark.parametrize(
    "words", ["Error: Could not find or load main class Check.java", "FindException: Module jdk.compiler not found"]
)
def test_a_java_without_a_compiler_is_missing_something(
    pdfua_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    program(tmp_path, "java", f"echo '{words}' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pdfua_script, "library", lambda: tmp_path)
    with pytest.raises(pdfua_script.NotChecked, match="a JDK of version 11 or newer is needed"):
        pdfua_script.check([BOOK])


def test_the_build_says_that_it_went_well_and_was_not_checked(
    build_script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build_script.validate([BOOK]) == []
    told = capsys.readouterr().out
    assert told == "The guides are built. PDF/UA-1 was not checked: neither verapdf nor java is on the PATH.\n"


@pytest.mark.real
@pytest.mark.timeout(480)
def test_verapdf_passes_both_books_and_fails_one_without_its_language(pdfua_script: ModuleType, tmp_path: Path) -> None:
    silent = tmp_path / "silent.pdf"
    writer = pypdf.PdfWriter(clone_from=BOOK)
    del writer.root_object["/Lang"]
    writer.write(silent)
    books = sorted(BOOK.parent.glob("*.pdf"))
    try:
        passed, failed = pdfua_script.check([*books, silent])
    except pdfua_script.NotChecked as missing:
        pytest.skip(f"veraPDF: {missing}")
    assert [line.partition("  PDF/UA-1: ")[0] for line in passed] == [book.name for book in books]
    assert all(int(line.split()[2]) > 50_000 for line in passed)
    broken = [line for line in failed if not line.startswith("    ")]
    assert broken
    assert all(line.startswith("silent.pdf: PDF/UA-1 7.2, test ") for line in broken)
    assert any(line.startswith("    page 1: ") for line in failed)
