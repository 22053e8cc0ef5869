"""Workbooks: a sheet's rows as CSV, and what must not take the product with it."""

import io
import os
import resource
import zipfile
from pathlib import Path

import pytest

from newsletter.imports import BadFile
from newsletter.imports import workbook_process as process
from newsletter.imports.workbook import Sheet, SheetRows, is_workbook, sheets_of, the_sheet, to_csv
from tests.workbooks import Cell, day, formula, moment, xlsx

pytestmark = pytest.mark.sqlite_only


def _kept(folder: Path, content: bytes) -> Path:
    path = folder / "book"
    path.write_bytes(content)
    return path


def _read(folder: Path, rows: list[list[Cell]], **options: object) -> list[str]:
    out = folder / "out.csv"
    to_csv(_kept(folder, xlsx({"List": rows}, **options)), out, "List")  # type: ignore[arg-type]
    return out.read_text(encoding="utf-8").splitlines()


def _converted(book: Path) -> None:
    to_csv(book, book.with_suffix(".csv"), sheets_of(book)[0].name)


def test_cells_are_what_an_export_would_hold(tmp_path: Path) -> None:
    texts: list[Cell] = ['a "b", c', "007"]
    assert _read(tmp_path, [
        ["email", "Joined", "At", "Phone", "Half", "Yes", "Sum", "Words", "Text number"],
        ["ann@example.com", day(45355), moment(45355.5), 447911123456, 1.5, True, formula("1+1", "2"), *texts],
    ]) == [
        "email,Joined,At,Phone,Half,Yes,Sum,Words,Text number",
        'ann@example.com,2024-03-04,2024-03-04 12:00:00,447911123456,1.5,true,2,"a ""b"", c",007',
    ]  # fmt: skip


def test_each_row_stands_on_the_line_of_its_number(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [["email", "note"], [], ["a@example.com", "two\nlines\r\nhere"], ["b@example.com", None]]
    assert _read(tmp_path, rows) == ["email,note", "", "a@example.com,two lines here", "b@example.com"]


def test_rows_that_a_filter_hides_are_counted_and_left_out_where_that_is_wanted(tmp_path: Path) -> None:
    book = _kept(tmp_path, xlsx({"List": [["email"], ["a@x.com"], ["b@x.com"], ["c@x.com"]]}, hidden_rows=(3,)))
    out = tmp_path / "out.csv"
    assert to_csv(book, out, "List") == SheetRows(4, 1)
    assert out.read_text().split() == ["email", "a@x.com", "b@x.com", "c@x.com"]
    assert to_csv(book, out, "List", visible_only=True) == SheetRows(3, 1)
    assert out.read_text().splitlines() == ["email", "a@x.com", "", "c@x.com"]


def test_sheets_are_listed_and_one_is_named_where_several_show(tmp_path: Path) -> None:
    book = _kept(
        tmp_path, xlsx({"Members": [["email"]], "Old & gone": [["email"]], "Notes": []}, hidden_sheets=("Notes",))
    )
    sheets = sheets_of(book)
    assert sheets == [Sheet("Members"), Sheet("Old & gone"), Sheet("Notes", hidden=True)]
    with pytest.raises(BadFile, match="has 2 sheets: “Members”, “Old & gone”"):
        the_sheet(sheets)
    with pytest.raises(BadFile, match=r"no sheet “Member”.*“Members”"):
        the_sheet(sheets, "Member")
    assert the_sheet(sheets, "Notes").name == "Notes" and the_sheet([*sheets[1:]]).name == "Old & gone"
    with pytest.raises(BadFile, match="“Notes” is empty"):
        to_csv(book, tmp_path / "out.csv", "Notes")


def test_what_is_locked_is_told_apart_from_what_is_broken(tmp_path: Path) -> None:
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600
    whole = xlsx({"List": [["email"]]})
    for content, told in (
        (locked, "locked with a password"), (locked[:500], "damaged"), (whole[:-200], "damaged"),
        (b"PK\x03\x04" + os.urandom(5000), "damaged"), (whole.replace(b"sheet1", b"sheet9"), "damaged"),
    ):  # fmt: skip
        assert is_workbook(content[:8])
        with pytest.raises(BadFile, match=told):
            _converted(_kept(tmp_path, content))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("list.csv", "email\n")
    with pytest.raises(BadFile, match=r"archive \(ZIP\)"):
        sheets_of(_kept(tmp_path, out.getvalue()))


def test_a_bomb_is_refused_by_what_it_says_of_itself(tmp_path: Path) -> None:
    content = xlsx({"List": [["email"]]}, more={"xl/media/zeros": bytes(process.MOST_UNPACKED)})
    assert len(content) < 1_000_000
    with pytest.raises(BadFile, match="too large to be read"):
        sheets_of(_kept(tmp_path, content))


def test_a_cell_in_the_last_corner_ends_the_process_that_reads_and_no_other(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [["email"], ["a@example.com"]]
    content = xlsx({"List": rows})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.namelist():
            is_sheet = part.endswith("sheet1.xml")
            new.writestr(part, sheet.replace("</sheetData>", far) if is_sheet else old.read(part))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadFile, match="too large to be read"):
        to_csv(_kept(tmp_path, out.getvalue()), tmp_path / "out.csv", "List")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB; dense it is half a terabyte


def test_the_process_limits_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", lambda what, both: asked.update({what: both}))
    process.limit()
    assert asked[resource.RLIMIT_AS] == (process.MEMORY, process.MEMORY)
    assert {resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE} < asked.keys()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_not_taken_for_a_damaged_workbook(tmp_path: Path) -> None:
    book = _kept(tmp_path, xlsx({"List": [["email"], ["jane@example.com"]]}))
    with pytest.raises(BadFile, match="disk is full"):
        to_csv(book, Path("/dev/full"), "List")
