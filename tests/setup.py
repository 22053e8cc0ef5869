"""What `make test` does before pytest: compile what it starts many times, and see that there is a Chromium."""

import compileall
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import chromium

# Some hundred processes are started, each with all of the product; where Python is told to write no bytecode
# (PYTHONDONTWRITEBYTECODE, as in many containers), each would compile it anew.
for folder in ("newsletter", "migrations", "tests"):
    compileall.compile_dir(ROOT / folder, quiet=2)

print("Chromium:", chromium.fetch() or "none to be had; browser tests are skipped", flush=True)
