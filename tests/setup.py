"""What `make test` does before pytest: see that there is a Chromium, and say in one line when there is none."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests import chromium

print("Chromium:", chromium.find() or chromium.fetch() or "none to be had; browser tests are skipped", flush=True)
