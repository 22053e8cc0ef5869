"""Make the checkout importable, and install the `newsletter` command into its virtual environment.

An editable install would do the same, but needs a build backend from outside the lock file.
"""

import os
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = """#!/bin/sh
# Made by scripts/link.py. `exec` through sh, because a shebang cannot hold a path with spaces.
exec "{python}" -m newsletter.cli "$@"
"""


def main() -> None:
    """Write the .pth file and the command."""
    Path(sysconfig.get_path("purelib"), "newsletter-checkout.pth").write_text(f"{ROOT}\n")
    command = Path(sys.prefix, "bin", "newsletter")
    command.write_text(COMMAND.format(python=Path(sys.prefix, "bin", "python")))
    os.chmod(command, 0o755)


main()
