"""Compile the default mail layout that is kept in the repository (`make layout`)."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from newsletter.mail.render.frame import compiled_frame
from newsletter.theme import FIRST

folder = ROOT / "templates" / "email"
(folder / "layout.html").write_text(compiled_frame(folder, FIRST), encoding="utf-8")
