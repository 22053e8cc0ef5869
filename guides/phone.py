"""The phone edition: the HTML that Typst makes of a book, made fit for a page of the product.

Typst exports the same sources to HTML (elements.typ says what each element becomes). What is left to
do here: the product's policy lets no page style its own elements, drawings are kept small and take the
colours of the page around them, and the first cell of a row is its header.
"""

import re
from itertools import count

import typst
from failure import BuildError

# The colours of the figure kit (figures.typ, brand.typ), and what static/css/book.css calls them.
NAMES = {
    "#1d2a29": "ink", "#000000": "ink", "#475655": "muted", "#505e5c": "muted", "#6b7d7b": "body", "#87908e": "line",
    "#7e8685": "line", "#9ea9a7": "line", "#b4c0be": "ghost", "#c3cdcb": "far", "#d6dcdb": "faint", "#ffffff": "paper",
}  # fmt: skip
# How far a shade of the accent may lie beside the way from the accent to white, of 255.
NEAR = 8


def page(compiler: typst.Compiler, slug: str, accent: str) -> bytes:
    """Return the inside of a book's page for phones; `accent` is the colour of its drawings. Raises BuildError."""
    try:
        html = compiler.compile(format="html")
    except typst.TypstError as error:
        raise BuildError(f"{slug}, for phones: {error.diagnostic or error.message}") from None
    assert isinstance(html, bytes)
    return fit(html.decode("utf-8"), accent).encode("utf-8")


def fit(html: str, accent: str) -> str:
    """Return what stands in the body of an exported book, as a page of the product can hold it."""
    body = html[html.index("<body>") + len("<body>") : html.rindex("</body>")]
    body = re.sub(r' style="[^"]*"', "", body)
    body = re.sub(r' xmlns:\w+="[^"]*"', "", body)
    number = count(1)
    body = re.sub(r"<svg[^>]*>.*?</svg>", lambda found: drawing(found[0], accent, next(number)), body, flags=re.DOTALL)
    body = re.sub(r"<tbody>.*?</tbody>", lambda found: row_headers(found[0]), body, flags=re.DOTALL)
    body = body.replace('<sup role="doc-biblioref">', "<sup>")  # the comma between two citations is none itself
    return body.replace("<th></th>", "<td></td>").replace("<th>", '<th scope="col">') + "\n"


def row_headers(rows: str) -> str:
    """Return a table's rows with the first cell of each as its header."""
    return re.sub(r"<tr><td([^>]*)>(.*?)</td>", r'<tr><th scope="row"\1>\2</th>', rows, flags=re.DOTALL)


def drawing(svg: str, accent: str, number: int = 1) -> str:
    """Return a drawing with short numbers and names of its own; its words are in the label of the element around it."""
    svg = re.sub(r"(\d\.\d{2})\d+", r"\1", svg)
    svg = re.sub(r'(\bid="|href="#|url\(#)(\w+)', rf"\1d{number}-\2", svg)
    svg = re.sub(r'\b(fill|stroke)="(#[0-9a-f]{6})"', lambda found: painted(found[1], found[2], accent.lower()), svg)
    return svg.replace("<svg", '<svg aria-hidden="true"', 1)


def painted(part: str, colour: str, accent: str) -> str:
    """Return the attribute that paints `part` (fill or stroke) with what the page calls `colour`; all are `#rrggbb`.

    A shade of the accent is the accent with its opacity: so it is one of the page's accent too, by day and by night.
    """
    if colour == accent or colour not in NAMES:
        share = shade(colour, accent)
        if share is None:
            return f'{part}="{colour}"'
        return f'{part}="var(--accent, {accent})"' + (f' {part}-opacity="{share:g}"' if share < 1 else "")
    return f'{part}="var(--{NAMES[colour]}, {colour})"'


def shade(colour: str, accent: str) -> float | None:
    """Return how much of the accent is in a mixture of it with white, 0 to 1; None where it is none."""
    parts = [(int(colour[at : at + 2], 16), int(accent[at : at + 2], 16)) for at in (1, 3, 5)]
    least = min(one for _, one in parts)
    share = round((255 - next(seen for seen, one in parts if one == least)) / (255 - least), 2)
    if all(abs(seen - (255 + (one - 255) * share)) <= NEAR for seen, one in parts):
        return share
    return None
