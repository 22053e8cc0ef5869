"""What an import tells people: the same sentences in the terminal and on the owner's page."""

from collections.abc import Mapping

from newsletter.imports.report import Fate, Flaw, Reading, Remark, Report
from newsletter.imports.standing import Standing

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_FLAWS = {
    Flaw.NO_ADDRESS: "there is no e-mail address in it",
    Flaw.BAD_ADDRESS: "this does not look like an e-mail address; it should be like jane@example.com",
    Flaw.SEVERAL_ADDRESSES: "there are several addresses in one cell; give each a row of its own",
    Flaw.OPEN_QUOTE: 'a quote (") is opened and never closed',
    Flaw.STRAY_QUOTE: 'a quote (") stands in the middle of a cell; write it twice, or take it out',
    Flaw.TOO_MANY_CELLS: "there are more cells than columns; a cell with a separator in it needs quotes around it",
    Flaw.NO_STATUS: "the status is missing, so it cannot be told whether this person wants mail",
    Flaw.BAD_BYTES: "it holds bytes that are neither UTF-8 nor Windows-1252",
}
_FATES = {
    Fate.ADDED: ("added", "confirmed subscribers, with your basis on record"),
    Fate.CONFIRMED: ("confirmed", "had signed up here and were pending; your basis confirms them"),
    Fate.PENDING: ("pending", "never confirmed; nothing is mailed to them unless they sign up again themselves"),
    Fate.LEFT: ("had left", "recorded as unsubscribed; only their own sign-up brings them back"),
    Fate.BLOCKED: ("blocked", "recorded as unsubscribed and suppressed"),
    Fate.BOUNCED: ("bounced", "recorded as bounced; nothing is sent to them"),
    Fate.COMPLAINED: ("complained", "recorded as complained; nothing is sent to them"),
    Fate.KNOWN: ("known already", "unchanged, or twice in the file"),
    Fate.SUPPRESSED: ("suppressed", "left, bounced, complained, were blocked or erased here; not brought back"),
    Fate.STAYED: ("stay", "the file says that they left, but they have confirmed here themselves since"),
    Fate.NEVER_AGREED: ("left out", "no reader, by the file's own word or by your answer"),
    Fate.REFUSED: ("refused", "could not be read"),
}
_STANDINGS = {
    Standing.READER: ("readers", "come in as confirmed, with your basis on record"),
    Standing.PENDING: ("never confirmed", "come in as pending; nothing is mailed to them"),
    Standing.NEVER_AGREED: ("never subscribed", "left out"),
    Standing.LEFT: ("had left", "kept out for good"),
    Standing.BLOCKED: ("blocked", "kept out for good"),
    Standing.BOUNCED: ("bounced", "kept out for good"),
    Standing.COMPLAINED: ("complained", "kept out for good"),
}
_ALWAYS = (Fate.ADDED, Fate.KNOWN, Fate.SUPPRESSED, Fate.REFUSED)
_REMARKS = {
    Remark.DATE: "Dates that could not be understood, left out",
    Remark.ZONE: "Time zones that are not known here, left out",
    Remark.NAME: "Names that are none (a link, an address, a placeholder), left out",
    Remark.TOPIC: "Topics that are not here, left out (add them on the page Topics before the import)",
    Remark.FIELD: "Values that a field of yours cannot hold, left out",
    Remark.SECOND_ADDRESS: "Rows with two different addresses, of which the first was taken",
}


def rows(count: int) -> str:
    """1 row, 2 rows."""
    return f"{count} {'row' if count == 1 else 'rows'}"


def why(reason: Flaw | Fate) -> str:
    """Why a row brought nobody."""
    return _FLAWS[reason] if isinstance(reason, Flaw) else f"{_FATES[reason][0]}: {_FATES[reason][1]}"


def how_read(reading: Reading) -> list[str]:
    """How the file was understood."""
    lines = "1 line" if reading.odd_lines == 1 else f"{reading.odd_lines:,} lines"
    odd = f" ({lines} of it in Windows-1252)" if reading.odd_lines else ""
    wrote = f"; it looks like an export of {reading.program}" if reading.program else ""
    if reading.sheet:
        told = [f"Read from the sheet “{reading.sheet}” of a workbook{wrote}. Lines are the sheet's rows."]
        if reading.hidden:
            told.append(
                f"{_filtered(reading.hidden)} hidden in the sheet, by a filter or by hand, and read like the others."
            )
    else:
        told = [f"Read as {reading.encoding}{odd}, separated by {_SEPARATORS[reading.separator]}{wrote}."]
    told.append("Columns: " + ", ".join(f"{heading} ({role})" for heading, role in reading.used) + ".")
    if reading.unused:
        told.append("Not used: " + ", ".join(reading.unused) + ".")
    return told


def _filtered(hidden: int) -> str:
    return "1 row is" if hidden == 1 else f"{hidden:,} rows are"


def standings(found: Mapping[str, int]) -> list[tuple[int, str, str]]:
    """(number, word, meaning) for where the rows' people stand by the file's word, by the names of `Standing`."""
    told = [(found[one.name], *_STANDINGS[one]) for one in Standing if found.get(one.name)]
    return [(many, "reader" if word == "readers" and many == 1 else word, meaning) for many, word, meaning in told]


def refusals(report: Report) -> list[str]:
    """The first refused rows, one by one, and what was left out of others."""
    told = [f"line {one.line}: {_FLAWS[one.flaw]}" for one in report.bad]
    if (more := report.fates[Fate.REFUSED] - len(told)) > 0:
        told.append(f"… and {more:,} more")
    told += [f"{_REMARKS[remark]}: {count:,} (the first in line {report.first_remarks[remark]})"
             for remark, count in report.remarks.items()]  # fmt: skip
    return told


def outcome(report: Report) -> list[tuple[int, str, str]]:
    """(number, word, meaning) for each fate that somebody had, the readers first."""
    return [(report.fates[fate], *_FATES[fate]) for fate in Fate if report.fates[fate]]


def summary(report: Report) -> str:
    """The tally in one line: "3 added, 0 known already, 1 had left, 0 refused, of 4 rows"."""
    counted = [f"{report.fates[fate]} {_FATES[fate][0]}" for fate in Fate if fate in _ALWAYS or report.fates[fate]]
    tags = f", {report.tags} tags given" if report.tags else ""
    return f"{', '.join(counted)}, of {rows(report.read)}{tags}"
