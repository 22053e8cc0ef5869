"""Real bounces of many servers, where a collection of them lies on this machine; it is no part of the repository."""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

from newsletter.mail.incoming import Kind, read
from newsletter.mail.replies import BounceClass

FOLDER = Path(os.environ.get("BOUNCE_SAMPLES", "/nonexistent"))
MACHINE = ("vacation", "feedback", "delivered")
UNKNOWN = ("filtered", "suspend")
"""Labels for what a server refused with the words or the code of an unknown or disabled address."""

pytestmark = pytest.mark.skipif(
    not (FOLDER / "labels.jsonl").is_file(), reason="BOUNCE_SAMPLES names no folder with labels.jsonl and .eml files"
)


def _labels() -> dict[str, list[dict[str, str]]]:
    found = defaultdict(list)
    for line in (FOLDER / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        found[label["file"]].append(label)
    return found


def test_real_hard_bounces_are_found_and_little_else_is_suppressed() -> None:
    wanted = hit = ended = right = 0
    for name, labels in _labels().items():
        failures = read((FOLDER / name).read_bytes()).failures
        dead = {who for one in failures if one.bounce is BounceClass.HARD_BOUNCE for who in (one.address, one.original)}
        gone = [one["recipient"].lower() for one in labels if one["hardbounce"]]
        wanted, hit = wanted + len(gone), hit + sum(one in dead for one in gone)
        may = {*gone, *(one["recipient"].lower() for one in labels if one["reason"] in UNKNOWN)}
        hard = [one for one in failures if one.bounce is BounceClass.HARD_BOUNCE]
        ended, right = ended + len(hard), right + sum(bool({one.address, one.original} & may) for one in hard)
    assert hit / wanted >= 0.95, f"{hit} of {wanted} hard bounces found"
    assert right / ended >= 0.95, f"{right} of {ended} suppressed rightly"


def test_no_automatic_answer_or_complaint_is_a_bounce() -> None:
    for name, labels in _labels().items():
        if any(one["reason"] in MACHINE for one in labels):
            assert read((FOLDER / name).read_bytes()).kind is not Kind.BOUNCE, name
