"""Result tables as Markdown, on screen and in files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from bench.folders import DOCUMENT, RESULTS

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass
class Table:
    """One part's results. `notes` are printed below."""

    title: str
    heads: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """The table in Markdown, first column left-aligned, the others right-aligned."""
        lines = [f"### {self.title}", "", _line(self.heads), _line(["---", *["---:"] * (len(self.heads) - 1)])]
        lines += map(_line, self.rows)
        if self.notes:
            lines += ["", *self.notes]
        return "\n".join([*lines, ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def whole(number: float) -> str:
    """A number without decimals, with thousands separators."""
    return f"{number:,.0f}"


def percentile(values: Sequence[float], percent: int) -> float:
    """The percentile of these values; NaN if there are none."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def ms(values: Sequence[float], percent: int) -> str:
    """A percentile of seconds in milliseconds; "–" if there are none."""
    return f"{percentile(values, percent) * 1000:,.1f}" if values else "–"


def write(text: str) -> None:
    """Save the latest results (git-ignored)."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "latest.md").write_text(text, encoding="utf-8")


def record(text: str) -> None:
    """Replace the measured section of docs/benchmarks.md. Raises ValueError if its markers are missing."""
    document = DOCUMENT.read_text(encoding="utf-8")
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCUMENT.name} has lost its marks {BEGIN} … {END}")
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{text.strip()}\n\n{END}{tail}", encoding="utf-8")
