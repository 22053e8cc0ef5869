"""An owner sends a new guide from a browser, and is told where its PDF is heavy."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from pypdf import PdfWriter

from newsletter.web.owner.guide_setup import HEAVY
from tests import chromium
from tests.web.owner.test_browser import found_by_axe, signed_in, site

__all__ = ["site"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
HINT = "Under 5 MB it opens quickly on a phone: export it with pictures of 150 dpi."


def _pdf(file: Path, octets: int) -> Path:
    """A PDF of two pages and at least so many octets."""
    writer = PdfWriter()
    for _ in range(2):
        writer.add_blank_page(420, 595)
    writer.add_attachment("ballast", os.urandom(octets))
    out = BytesIO()
    writer.write(out)
    file.write_bytes(out.getvalue())
    return file


@pytest.mark.parametrize("is_heavy", [True, False], ids=["heavy", "light"])
def test_an_owner_is_told_that_a_pdf_opens_slowly_on_a_phone(
    browser: Browser, site: str, tmp_path: Path, is_heavy: bool
) -> None:
    page = signed_in(browser, site, viewport={"width": 375, "height": 800})
    page.goto(f"{site}/owner/guides/new")
    expect(page.get_by_text("Under 5 MB it opens quickly on a phone.")).to_be_visible()  # said before, too
    page.get_by_label("PDF").set_input_files(_pdf(tmp_path / "sleep.pdf", HEAVY + 1 if is_heavy else 1000))
    page.get_by_label("Title").fill("Sleep well")
    page.get_by_role("button", name="Add the guide").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sleep well")
    expect(page.get_by_text(HINT)).to_have_count(int(is_heavy))
    expect(page.get_by_text("2 pages, 5")).to_have_count(int(is_heavy))
    assert found_by_axe(page) == "[]"
    page.context.close()
