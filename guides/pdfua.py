"""PDF/UA-1 by veraPDF: which rules of accessible PDF (ISO 14289-1) the built books break.

`veraPDF` is the `verapdf` command where one is installed; else its Java library, which Maven fetches once
into build/verapdf (git ignores it) and Java runs from verapdf/Check.java. Both print the same report.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

import pypdf
from failure import BuildError
from pypdf.generic import DictionaryObject, PdfObject

HERE = Path(__file__).resolve().parent / "verapdf"
LIBRARY = HERE.parents[1] / "build" / "verapdf"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
# What a Java says that is older than 11, or has no compiler: a JRE.
NO_COMPILER = ("Could not find or load main class", "Module jdk.compiler not found")
# Seconds. Maven takes about forty on a first visit; a machine without a network fails within five.
FETCHING = 180
CHECKING = 240
# Places named for each rule that a book breaks.
SHOWN = 5


class NotChecked(Exception):
    """What veraPDF needs is not to be had on this machine; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One rule that a book breaks: its clause of ISO 14289-1, how often, and the first places in veraPDF's words."""

    clause: str
    test: str
    count: int
    rule: str
    places: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What veraPDF found in one book."""

    path: Path
    checks: int
    broken: tuple[Broken, ...]


def check(books: Sequence[Path]) -> tuple[list[str], list[str]]:
    """Validate books; return the lines of those that pass and of those that fail.

    Raises NotChecked where Java, Maven or the library is missing, BuildError where veraPDF itself fails.
    """
    verdicts = read(report(command(), books))
    if missing := {str(book) for book in books} - {str(verdict.path) for verdict in verdicts}:
        raise BuildError(f"veraPDF says nothing of {', '.join(sorted(missing))}")
    whole = [one for one in verdicts if not one.broken]
    passed = [f"{one.path.name}  PDF/UA-1: {one.checks} checks of veraPDF, none failed" for one in whole]
    failed = [line for one in verdicts for broken in one.broken for line in lines(one.path, broken)]
    return passed, failed


def command() -> list[str]:
    """Return the command that prints veraPDF's report, but for the files. Raises NotChecked."""
    if installed := shutil.which("verapdf"):
        return [installed, "--flavour", "ua1", "--format", "xml"]
    java = shutil.which("java")
    if not java:
        raise NotChecked("neither verapdf nor java is on the PATH")
    return [java, "-cp", str(library() / "*"), str(HERE / "Check.java")]


def library() -> Path:
    """Return the folder of veraPDF's jars, fetched by Maven unless they are there. Raises NotChecked."""
    pom = HERE / "pom.xml"
    folder = LIBRARY / sha256(pom.read_bytes()).hexdigest()[:12]
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if not maven:
        raise NotChecked("veraPDF’s library is not here, and mvn, which fetches it, is not on the PATH")
    LIBRARY.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LIBRARY) as begun:
        jars = Path(begun) / "jars"
        fetch = [maven, "-B", "-q", "-C", "-Dstyle.color=never", "-f", str(pom), COPY, f"-DoutputDirectory={jars}"]
        status, out, _ = run(fetch, FETCHING)
        if status != 0 or not any(jars.glob("validation-model-*.jar")):
            raise NotChecked(f"Maven could not fetch veraPDF’s library ({reason(status, out)})")
        try:
            jars.rename(folder)
        except OSError:  # another run was quicker
            if not folder.is_dir():
                raise
    return folder


def reason(status: int | None, out: str) -> str:
    """Return in a few words why Maven fetched nothing: the innermost cause of its first error."""
    if status is None:
        return f"it took more than {FETCHING} seconds"
    error = next((line for line in out.splitlines() if "[ERROR]" in line), "it gave no reason")
    causes = error.rpartition("[ERROR] ")[2].partition(" -> ")[0].split(": ")
    return ": ".join(causes[-2:])[:200]


def report(program: Sequence[str], books: Sequence[Path]) -> str:
    """Return veraPDF's report on books, as XML. Raises BuildError where it prints none, and NotChecked."""
    status, out, complaints = run([*program, *map(str, books)], CHECKING)
    if status is None:
        raise BuildError(f"veraPDF did not finish within {CHECKING} seconds")
    if any(sign in complaints for sign in NO_COMPILER):
        raise NotChecked("the java on the PATH cannot run a source file; a JDK of version 11 or newer is needed")
    if "</report>" not in out:
        last = complaints.strip().splitlines()[-1:] or [f"it ended with status {status}"]
        raise BuildError(f"veraPDF printed no report: {last[0]}")
    return out


def run(command: Sequence[str], seconds: float) -> tuple[int | None, str, str]:
    """Run a command and whatever it starts; return its status (None: it took too long), output and complaints."""
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=nothing, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:  # fmt: skip
        try:
            out, complaints = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, complaints = process.communicate()
            return None, out, complaints
    return process.returncode, out, complaints


def read(xml: str) -> list[Verdict]:
    """Return the verdicts of a report. Raises BuildError where it is none, or where a file could not be read."""
    try:
        jobs = list(ElementTree.fromstring(xml).iter("job"))
    except ElementTree.ParseError as error:
        raise BuildError(f"veraPDF’s report is no XML: {error}") from None
    return [verdict(job) for job in jobs]


def verdict(job: ElementTree.Element) -> Verdict:
    """Return what one job of a report says. Raises BuildError where veraPDF could not read the file."""
    path, found = Path(job.findtext("item/name", "")), job.find("validationReport")
    if found is None:
        said = job.findtext("taskException/exceptionMessage", "no reason given")
        raise BuildError(f"{path.name}: veraPDF cannot read it: {said}")
    details = found.find("details")
    assert details is not None
    broken = tuple(rule_of(rule) for rule in details.iter("rule") if rule.get("status", "").lower() == "failed")
    if (found.get("isCompliant") == "true") == bool(broken):
        raise BuildError(f"{path.name}: veraPDF’s report contradicts itself")
    return Verdict(
        path=path, checks=int(details.get("passedChecks", 0)) + int(details.get("failedChecks", 0)), broken=broken
    )


def rule_of(rule: ElementTree.Element) -> Broken:
    """Return a broken rule of a report, with its first places."""
    places = [check.findtext("context", "") for check in rule.iter("check")]
    return Broken(
        clause=rule.get("clause", ""),
        test=rule.get("testNumber", ""),
        count=int(rule.get("failedChecks", len(places))),
        rule=" ".join(rule.findtext("description", "").split()),
        places=tuple(places[:SHOWN]),
    )


def lines(path: Path, broken: Broken) -> list[str]:
    """Return what to print of a broken rule: the rule, then each place with its page."""
    with pypdf.PdfReader(path) as book:
        places = [f"    {where(book, context)}" for context in broken.places]
    head = f"{path.name}: PDF/UA-1 {broken.clause}, test {broken.test}, fails {broken.count} times: {broken.rule}"
    rest = broken.count - len(places)
    return [head, *places, *([f"    and {rest} more"] if rest else [])]


def where(book: pypdf.PdfReader, context: str) -> str:
    """Return a place in veraPDF's words: its page and last part, or all of it where the page is not known."""
    number = page_of(book, context)
    return context if number is None else f"page {number}: {context.rsplit('/', 1)[-1]}"


def page_of(book: pypdf.PdfReader, context: str) -> int | None:
    """Return the page that a context is on: named in it, or the page of the nearest element that has one."""
    if named := re.search(r"/pages\[(\d+)\]", context):
        return int(named[1]) + 1
    numbers = {page.indirect_reference.idnum: at for at, page in enumerate(book.pages, 1) if page.indirect_reference}
    for element in reversed(re.findall(r"\((\d+) 0 obj SE(?!Document)", context)):
        if (page := page_below(book.get_object(int(element)))) is not None:
            return numbers.get(page)
    return None


def page_below(element: object) -> int | None:
    """Return the object number of the page that an element of the structure, or the first below it, stands on."""
    if not isinstance(element, DictionaryObject):
        return None
    if "/Pg" in element:
        return int(element.raw_get("/Pg").idnum)
    below = element.get("/K", [])
    children = below if isinstance(below, list) else [below]
    found = (page_below(child.get_object()) for child in children if isinstance(child, PdfObject))
    return next((page for page in found if page is not None), None)
