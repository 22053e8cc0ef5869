"""Words an import's results, identically for the terminal and the owner's page."""

from collections.abc import Iterator, Mapping

from newsletter.imports.report import Fate, Flaw, Reading, Remark, Report
from newsletter.imports.standing import Standing
from newsletter.languages import Number, counted, joined, marked, said

_SEPARATORS = {",": marked("commas"), ";": marked("semicolons"), "\t": marked("tabs"), "|": marked("bars")}
_FLAWS = {
    Flaw.NO_ADDRESS: marked("there is no e-mail address in it"),
    Flaw.BAD_ADDRESS: marked("this does not look like an e-mail address; it should be like jane@example.com"),
    Flaw.SEVERAL_ADDRESSES: marked("there are several addresses in one cell; give each a row of its own"),
    Flaw.OPEN_QUOTE: marked('a quote (") is opened and never closed'),
    Flaw.STRAY_QUOTE: marked('a quote (") stands in the middle of a cell; write it twice, or take it out'),
    Flaw.TOO_MANY_CELLS: marked(
        "there are more cells than columns; a cell with a separator in it needs quotes around it"
    ),
    Flaw.NO_STATUS: marked("the status is missing, so it cannot be told whether this person wants mail"),
    Flaw.BAD_BYTES: marked("it holds bytes that are neither UTF-8 nor Windows-1252"),
}
_FATES = {
    Fate.ADDED: (marked("added"), marked("confirmed subscribers, with your basis on record")),
    Fate.CONFIRMED: (marked("confirmed"), marked("had signed up here and were pending; your basis confirms them")),
    Fate.PENDING: (
        marked("pending"),
        marked("never confirmed; nothing is mailed to them unless they sign up again themselves"),
    ),
    Fate.LEFT: (marked("had left"), marked("recorded as unsubscribed; only their own sign-up brings them back")),
    Fate.BLOCKED: (marked("blocked"), marked("recorded as unsubscribed and suppressed")),
    Fate.BOUNCED: (marked("bounced"), marked("recorded as bounced; nothing is sent to them")),
    Fate.COMPLAINED: (marked("complained"), marked("recorded as complained; nothing is sent to them")),
    Fate.KNOWN: (marked("known already"), marked("what they receive stays as it is; or twice in the file")),
    Fate.SUPPRESSED: (
        marked("suppressed"),
        marked("left, bounced, complained, were blocked or erased here; not brought back"),
    ),
    Fate.STAYED: (
        marked("stay"),
        marked("the file says that they left, but they have confirmed here themselves since"),
    ),
    Fate.NEVER_AGREED: (marked("left out"), marked("no reader, by the file's own word or by your answer")),
    Fate.REFUSED: (marked("refused"), marked("could not be read")),
}
_STANDINGS = {
    Standing.READER: (marked("readers"), marked("come in as confirmed, with your basis on record")),
    Standing.PENDING: (marked("never confirmed"), marked("come in as pending; nothing is mailed to them")),
    Standing.NEVER_AGREED: (marked("never subscribed"), marked("left out")),
    Standing.LEFT: (marked("had left"), marked("kept out for good")),
    Standing.BLOCKED: (marked("blocked"), marked("kept out for good")),
    Standing.BOUNCED: (marked("bounced"), marked("kept out for good")),
    Standing.COMPLAINED: (marked("complained"), marked("kept out for good")),
}
_ALWAYS = (Fate.ADDED, Fate.KNOWN, Fate.SUPPRESSED, Fate.REFUSED)
_REMARKS = {
    Remark.DATE: marked("Dates that could not be understood, left out"),
    Remark.ZONE: marked("Time zones that are not known here, left out"),
    Remark.LANGUAGE: marked("Languages that there is no catalogue for, left out"),
    Remark.NAME: marked("First names that are a link, an address or a placeholder, left out"),
    Remark.TOPIC: marked("Topics that are not here, left out (add them on the page Topics before the import)"),
    Remark.FIELD: marked("Values that a field of yours cannot hold, left out"),
    Remark.SECOND_ADDRESS: marked("Rows with two different addresses, of which the first was taken"),
    Remark.SLIP: marked("Addresses that look misspelt, such as gmial.com for gmail.com; taken as they are"),
    Remark.DOUBLE: marked("Rows about somebody whom an earlier row names already; each person comes in once"),
}
_TO_LOOK_AT = (Remark.SLIP, Remark.DOUBLE)
"""Nothing is left out by these."""


READER = marked("reader")


def rows(count: int) -> str:
    """1 row, 2 rows."""
    return f"{count} {'row' if count == 1 else 'rows'}"


def why(reason: Flaw | Fate) -> str:
    """Why a row imported nobody."""
    return said(_FLAWS[reason]) if isinstance(reason, Flaw) else joined(map(said, _FATES[reason]), ": ")


def how_read(reading: Reading) -> list[str]:
    """How the file was interpreted."""
    told = list(_sheet(reading) if reading.sheet else [_text(reading)])
    if not reading.headed:
        told.append(said("Its columns have no names: the first row is read as a person's, like the others."))
    columns = joined((f"{heading} ({role})" for heading, role in reading.used), ", ")
    told.append(said("Columns: %(columns)s.", columns=columns))
    if reading.unused:
        told.append(said("Not used: %(columns)s.", columns=", ".join(reading.unused)))
    return told


def _sheet(reading: Reading) -> Iterator[str]:
    lines = said("Lines are the sheet's rows.")
    if reading.program:
        first = said("Read from the sheet “%(sheet)s” of a workbook; it looks like an export of %(program)s.",
                     sheet=reading.sheet, program=reading.program)  # fmt: skip
    else:
        first = said("Read from the sheet “%(sheet)s” of a workbook.", sheet=reading.sheet)
    yield joined((first, lines))
    if reading.hidden:
        yield counted(
            "%(num)s row is hidden in the sheet, by a filter or by hand, and read like the others.",
            "%(num)s rows are hidden in the sheet, by a filter or by hand, and read like the others.",
            reading.hidden, num=Number(reading.hidden),
        )  # fmt: skip


def _text(reading: Reading) -> str:
    encoding: str = reading.encoding
    if reading.odd_lines:
        encoding = counted(
            "%(encoding)s (%(num)s line of it in Windows-1252)", "%(encoding)s (%(num)s lines of it in Windows-1252)",
            reading.odd_lines, num=Number(reading.odd_lines), encoding=reading.encoding,
        )  # fmt: skip
    values = {"encoding": encoding, "separator": said(_SEPARATORS[reading.separator])}
    if not reading.program:
        return said("Read as %(encoding)s, separated by %(separator)s.", **values)
    return said("Read as %(encoding)s, separated by %(separator)s; it looks like an export of %(program)s.",
                program=reading.program, **values)  # fmt: skip


def standings(found: Mapping[str, int]) -> list[tuple[int, str, str]]:
    """(count, word, meaning) for each standing in the file. `found`: counts by the name of the `Standing`."""
    told = [(found[one.name], *_STANDINGS[one]) for one in Standing if found.get(one.name)]
    return [(many, READER if word == "readers" and many == 1 else word, meaning) for many, word, meaning in told]


def refusals(report: Report) -> list[str]:
    """The first refused rows, and what was dropped from others."""
    told: list[str] = [said("line %(line)s: %(why)s", line=one.line, why=said(_FLAWS[one.flaw])) for one in report.bad]
    if (more := report.fates[Fate.REFUSED] - len(told)) > 0:
        told.append(counted("… and %(num)s more", "… and %(num)s more", more, num=Number(more)))
    return told + [_remarked(report, remark) for remark in report.remarks if remark not in _TO_LOOK_AT]


def to_look_at(report: Report) -> list[str]:
    """What an owner may want to put right, although every row of it is taken as it is."""
    return [_remarked(report, remark) for remark in _TO_LOOK_AT if report.remarks[remark]]


def _remarked(report: Report, remark: Remark) -> str:
    number, first = report.remarks[remark], report.first_remarks[remark]
    values = {"remark": said(_REMARKS[remark]), "number": Number(number), "lines": ", ".join(map(str, first))}
    if number > len(first):
        return said("%(remark)s: %(number)s (the first in lines %(lines)s)", **values)
    return counted("%(remark)s: %(number)s (line %(lines)s)", "%(remark)s: %(number)s (lines %(lines)s)", number,
                   **values)  # fmt: skip


def outcome(report: Report) -> list[tuple[int, str, str]]:
    """(count, word, meaning) for each fate that occurred, readers first."""
    return [(report.fates[fate], *_FATES[fate]) for fate in Fate if report.fates[fate]]


def changes(report: Report) -> list[str]:
    """What changes for existing subscribers."""
    changed = report.changed
    told = [
        (changed.tagged, counted("%(num)s person who is here already gets a tag.",
                                 "%(num)s people who are here already get a tag.", changed.tagged,
                                 num=Number(changed.tagged))),
        (changed.filled, counted("%(num)s field of theirs was empty and is filled in.",
                                 "%(num)s fields of theirs were empty and are filled in.", changed.filled,
                                 num=Number(changed.filled))),
        (changed.replaced, counted("%(num)s field of theirs gets another value.",
                                   "%(num)s fields of theirs get another value.", changed.replaced,
                                   num=Number(changed.replaced))),
    ]  # fmt: skip
    return [sentence for number, sentence in told if number]


def summary(report: Report) -> str:
    """The counts in one line: "3 added, 0 known already, 1 had left, 0 refused, of 4 rows"."""
    counted = [f"{report.fates[fate]} {_FATES[fate][0]}" for fate in Fate if fate in _ALWAYS or report.fates[fate]]
    tags = f", {report.tags} tags given" if report.tags else ""
    changed = report.changed
    known = f", of known people {changed.tagged} tagged, {changed.filled + changed.replaced} fields" if changed else ""
    return f"{', '.join(counted)}, of {rows(report.read)}{tags}{known}"
