"""An owner sends a new guide from a browser, and is told where its PDF is heavy."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

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


def _pdf(file: Path, side: int) -> Path:
    """A PDF of two pages, each a photograph of noise so many pixels wide, which nothing makes smaller."""
    photograph = Image.effect_noise((side, side), 100)
    photograph.save(file, "PDF", save_all=True, append_images=[photograph], quality=95)
    return file


@pytest.mark.parametrize("is_heavy", [True, False], ids=["heavy", "light"])
def test_an_owner_is_told_that_a_pdf_opens_slowly_on_a_phone(
    browser: Browser, site: str, tmp_path: Path, is_heavy: bool
) -> None:
    page = signed_in(browser, site, viewport={"width": 375, "height": 800})
    page.goto(f"{site}/owner/guides/new")
    expect(page.get_by_text("Under 5 MB it opens quickly on a phone.")).to_be_visible()  # said before, too
    file = _pdf(tmp_path / "sleep.pdf", 1700 if is_heavy else 300)
    assert (file.stat().st_size > HEAVY) == is_heavy
    page.get_by_label("PDF").set_input_files(file)
    page.get_by_label("Title").fill("Sleep well")
    page.get_by_role("button", name="Add the guide").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sleep well")
    expect(page.get_by_text(HINT)).to_have_count(int(is_heavy))
    assert found_by_axe(page) == "[]"
    page.context.close()
