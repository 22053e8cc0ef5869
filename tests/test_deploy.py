"""The files of `deploy/` know the product that they stand in front of; they are run in `tests/real/test_proxies.py`."""

import re
from configparser import ConfigParser

import pytest
from flask import Flask

from newsletter import log
from newsletter.cli import COMMANDS
from newsletter.settings import ROOT

DEPLOY = ROOT / "deploy"


@pytest.mark.parametrize("file", ["nginx.conf", "Caddyfile"])
def test_every_route_with_a_personal_link_is_kept_out_of_the_logs(file: str, app: Flask) -> None:
    hidden = re.search(r"/\((confirm\|.+?)\)/", (DEPLOY / file).read_text())
    assert hidden is not None
    rules = [rule.rule for rule in app.url_map.iter_rules() if "token" in rule.arguments]
    fronts = {re.sub("<(?!token)[^>]+>", "any", rule).partition("<token>")[0] for rule in rules}
    assert {"/own/", "/c/", "/reports/any/"} <= fronts
    for known in (hidden[1], log.PERSONAL):
        assert [front for front in fronts if not re.search(rf"/({known})/$", front)] == []


def test_systemd_starts_a_command_that_there_is_and_gives_it_time() -> None:
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(DEPLOY / "newsletter.service")
    service = unit["Service"]
    program, command = service["ExecStart"].rsplit("/", 1)[1].split()
    assert (program, command in COMMANDS) == ("newsletter", True)
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) > 60  # what a worker is given to finish
