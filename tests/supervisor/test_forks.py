"""A fork of the supervisor: what it takes over from it, and what it does not."""

import json
import subprocess
import sys

from newsletter.settings import ROOT

SUPERVISOR = """
import gc, os, random, signal, sys, tempfile
from pathlib import Path
import newsletter.preloaded
from newsletter.supervisor.forks import ForkedService
from newsletter.supervisor.sealed import Sealed, seal

for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(one, lambda *_: None)
drawn_from = [one for one in gc.get_objects() if isinstance(one, random.Random) and type(one) is random.Random]
newsletter.preloaded.freeze()
random.random()
folder = Path(tempfile.mkdtemp())
lock, parts = (os.open(folder / name, os.O_RDWR | os.O_CREAT) for name in ("lock", "parts"))
sealed = Sealed(lock, parts, False, {"a": seal({"WHO": "a"}), "b": seal({"WHO": "b"})})
random_before = random.getstate()
for name in ("a", "b"):
    made = ForkedService(name, ["tests.supervisor.forked"], {}, Path.cwd(), folder / name, sealed=sealed)
    made.start()
    assert made.end(hurry=lambda: False) == 0, made.last_words()
    print(made.last_words().splitlines()[-1])
assert random.getstate() == random_before
assert [hex(id(one)) for one in drawn_from] == [hex(id(random._inst))], drawn_from
assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
"""


def test_a_fork_is_told_its_own_and_draws_its_own_random_numbers() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SUPERVISOR], cwd=ROOT, text=True, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first.pop("who"), second.pop("who")) == ("a", "b")
    assert first.pop("drawn") != second.pop("drawn"), "Python seeds its one generator anew in a fork"
    assert first == second == {"leads": True, "answers": ["SIG_DFL"] * 3, "blocked": 0, "threads": 1}


def test_a_child_whose_parent_was_gone_before_it_looked_ends() -> None:
    words = "import os\nfrom newsletter import parent\nparent.die_with({})\nprint('lives')"
    for whose, told in (("os.getppid()", "lives\n"), ("os.getppid() + 1", "")):
        done = subprocess.run([sys.executable, "-c", words.format(whose)], cwd=ROOT, text=True, capture_output=True)
        assert (done.stdout, done.returncode) == (told, 0 if told else 1)
