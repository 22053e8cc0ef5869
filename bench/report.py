"""Tables of what was seen, on the screen and in files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from bench.folders import DOCUMENT, RESULTS

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass
class Table:
    """One part's figures. `notes` stand below it."""

    title: str
    heads: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return it as Markdown, the first column to the left and the others to the right."""
        lines = [f"### {self.title}", "", _line(self.heads), _line(["---", *["---:"] * (len(self.heads) - 1)])]
        lines += map(_line, self.rows)
        if self.notes:
            lines += ["", *self.notes]
        return "\n".join([*lines, ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def whole(number: float) -> str:
    """A number without decimals, thousands apart."""
    return f"{number:,.0f}"


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of all do not exceed; of a single one, itself."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def ms(values: Sequence[float], percent: int) -> str:
    """A percentile of seconds, in milliseconds; a dash when there are none."""
    return f"{percentile(values, percent) * 1000:,.1f}" if values else "–"


def write(text: str) -> None:
    """Keep the newest results beside the benchmark (git-ignored)."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "latest.md").write_text(text, encoding="utf-8")


def record(text: str) -> None:
    """Replace the measured section of docs/benchmarks.md. Raises ValueError when its marks are gone."""
    document = DOCUMENT.read_text(encoding="utf-8")
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCUMENT.name} has lost its marks {BEGIN} … {END}")
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{text.strip()}\n\n{END}{tail}", encoding="utf-8")
