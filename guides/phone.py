"""The phone edition: the HTML that Typst makes of a book, made fit for a page of the product.

Typst exports the same sources to HTML (elements.typ says what each element becomes). What is left to
do here: the product's policy lets no page style its own elements, drawings are kept small, and the
first cell of a row is its header.
"""

import re
from itertools import count

import typst
from failure import BuildError


def page(compiler: typst.Compiler, slug: str) -> bytes:
    """Return the inside of a book's page for phones. Raises BuildError."""
    try:
        html = compiler.compile(format="html")
    except typst.TypstError as error:
        raise BuildError(f"{slug}, for phones: {error.diagnostic or error.message}") from None
    assert isinstance(html, bytes)
    return fit(html.decode("utf-8")).encode("utf-8")


def fit(html: str) -> str:
    """Return what stands in the body of an exported book, as a page of the product can hold it."""
    body = html[html.index("<body>") + len("<body>") : html.rindex("</body>")]
    body = re.sub(r' style="[^"]*"', "", body)
    body = re.sub(r' xmlns:\w+="[^"]*"', "", body)
    number = count(1)
    body = re.sub(r"<svg[^>]*>.*?</svg>", lambda found: drawing(found[0], next(number)), body, flags=re.DOTALL)
    body = re.sub(r"<tbody>.*?</tbody>", lambda found: row_headers(found[0]), body, flags=re.DOTALL)
    body = body.replace('<sup role="doc-biblioref">', "<sup>")  # the comma between two citations is none itself
    return body.replace("<th></th>", "<td></td>").replace("<th>", '<th scope="col">') + "\n"


def row_headers(rows: str) -> str:
    """Return a table's rows with the first cell of each as its header."""
    return re.sub(r"<tr><td([^>]*)>(.*?)</td>", r'<tr><th scope="row"\1>\2</th>', rows, flags=re.DOTALL)


def drawing(svg: str, number: int = 1) -> str:
    """Return a drawing with short numbers and names of its own; its words are in the label of the element around it."""
    svg = re.sub(r"(\d\.\d{2})\d+", r"\1", svg)
    svg = re.sub(r'(\bid="|href="#|url\(#)(\w+)', rf"\1d{number}-\2", svg)
    return svg.replace("<svg", '<svg aria-hidden="true"', 1)
