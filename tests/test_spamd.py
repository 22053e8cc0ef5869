"""Asking spamd: what it says, and every way in which it may not."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.settings import SettingsError, load
from newsletter.spamd import LARGEST, LONGEST_ANSWER, Hit, NoPoints, Place, Scored, Trouble, read_place, score
from tests.spamd_server import RULES, SpamdServer, answered, spamd

MAIL = b"Subject: hello\r\n\r\nWalk more.\r\n"


@pytest.fixture
def server() -> Iterator[SpamdServer]:
    with spamd() as one:
        yield one


def trouble(server: SpamdServer, patience: float = 10.0, mail: bytes = MAIL) -> NoPoints:
    with pytest.raises(NoPoints) as told:
        score(read_place(server.place), mail, patience)
    return told.value


def test_points_rules_and_words_are_read(server: SpamdServer) -> None:
    assert score(read_place(server.place), MAIL) == Scored(1.7, 5.0, (
        Hit(2.7, "DEAR_FRIEND", "BODY: Dear Friend? That's not very dear!"),
        Hit(-1.0, "MAILING_LIST_MULTI", "Multiple indicators imply a widely-seen list manager"),
        Hit(0.0, "HTML_MESSAGE", "BODY: HTML included in message"),
    ))  # fmt: skip
    assert server.asked == [b"REPORT SPAMC/1.5\r\nContent-length: %d\r\n\r\n%b" % (len(MAIL), MAIL)]


def test_a_unix_socket_does_as_well(tmp_path: Path) -> None:
    with spamd(tmp_path / "s") as server:
        assert score(read_place(server.place), MAIL).points == 1.7


def test_a_report_of_the_operators_own_gives_points_alone(server: SpamdServer) -> None:
    server.answer = answered(body="Nothing that is a table.\n 9 lives\n")
    assert score(read_place(server.place), MAIL) == Scored(1.7, 5.0, ())


def test_a_mail_that_quotes_a_table_does_not_add_rules(server: SpamdServer) -> None:
    preview = "Content preview:\n---- ----------------------\n 9.9 FORGED_RULE            in the mail's own words\n\n"
    server.answer = answered(body=preview + f"---- ---------------------- ---------\n{RULES}\n")
    assert [one.name for one in score(read_place(server.place), MAIL).hits] == [
        "DEAR_FRIEND", "MAILING_LIST_MULTI", "HTML_MESSAGE",
    ]  # fmt: skip


def test_control_characters_of_an_answer_are_not_kept(server: SpamdServer) -> None:
    server.answer = answered(rules=" 1.0 ODD_RULE               a\x1b[31mb\x00c")
    assert score(read_place(server.place), MAIL).hits == (Hit(1.0, "ODD_RULE", "a [31mb c"),)


@pytest.mark.parametrize(("points", "read"), [("-12.3", -12.3), ("1000.0", 1000.0), ("0", 0.0)])
def test_points_may_be_below_nothing(server: SpamdServer, points: str, read: float) -> None:
    server.answer = answered(points)
    assert score(read_place(server.place), MAIL).points == read


@pytest.mark.parametrize("answer", [
    b"", b"\r\n\r\n", b"SPAMD/1.1", b"220 mx.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\n\r\n", answered()[:-20],
    answered()[:30], answered("high"), answered("1" * 400), answered(threshold="-"), b"\xff" * 5000,
    b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; 1.0 / 5.0",
])  # fmt: skip
def test_what_is_no_answer_or_half_of_one_is_told_as_that(server: SpamdServer, answer: bytes) -> None:
    server.answer = answer
    assert trouble(server).trouble is Trouble.BROKEN


def test_an_answer_without_end_is_not_read_to_it(server: SpamdServer) -> None:
    server.answer = answered(body="x" * (LONGEST_ANSWER + 1))
    assert trouble(server).trouble is Trouble.BROKEN


def test_spamds_own_refusal_is_told_in_its_words(server: SpamdServer) -> None:
    server.answer = b"SPAMD/1.0 76 Bad header line: \x07oops\r\n"
    error = trouble(server)
    assert (error.trouble, error.said) == (Trouble.REFUSED, "Bad header line:  oops")


def test_one_that_hangs_is_left_when_the_time_is_over(server: SpamdServer) -> None:
    over = threading.Event()
    server.serve = lambda link: (link.recv(1), over.wait(10))[0] and None
    try:
        assert trouble(server, patience=0.1).trouble is Trouble.SILENT
    finally:
        over.set()


def test_one_that_dribbles_is_left_when_the_time_is_over(server: SpamdServer) -> None:
    over = threading.Event()

    def dribble(link: socket.socket) -> None:
        while not over.wait(0.01):
            link.sendall(b"S")

    server.serve = dribble
    try:
        assert trouble(server, patience=0.2).trouble is Trouble.SILENT
    finally:
        over.set()


def test_one_that_takes_nothing_is_left_when_the_time_is_over(server: SpamdServer) -> None:
    over = threading.Event()
    server.serve = lambda _link: over.wait(10) and None
    try:
        assert trouble(server, 0.2, b"x" * LARGEST).trouble is Trouble.SILENT
    finally:
        over.set()


def test_one_that_resets_the_connection_is_told_as_broken(server: SpamdServer) -> None:
    def reset(link: socket.socket) -> None:
        while link.recv(65536):
            pass
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    server.serve = reset
    assert trouble(server).trouble is Trouble.BROKEN


def test_nobody_there_is_told_with_the_systems_word(tmp_path: Path) -> None:
    with spamd() as server:
        place = server.place
    for nobody in (place, str(tmp_path / "none")):
        with pytest.raises(NoPoints) as told:
            score(read_place(nobody), MAIL)
        assert told.value.trouble is Trouble.UNREACHABLE and told.value.said


def test_what_is_too_large_is_not_even_asked_about(server: SpamdServer) -> None:
    assert trouble(server, mail=b"x" * (LARGEST + 1)).trouble is Trouble.TOO_LARGE
    assert server.asked == []


@given(st.binary(max_size=400), st.integers(0, 600))
def test_no_answer_makes_it_stumble(rubbish: bytes, cut: int) -> None:
    whole = answered()
    with spamd() as server:
        for answer in (rubbish, whole[:cut] + rubbish, whole[:cut] + rubbish + whole[cut + len(rubbish) :]):
            server.answer = answer
            told = None
            with contextlib.suppress(NoPoints):
                told = score(read_place(server.place), MAIL)
            assert told is None or isinstance(told, Scored)


@pytest.mark.parametrize(("given", "place"), [
    ("127.0.0.1:783", Place(host="127.0.0.1")), ("spamd", Place(host="spamd")),
    ("[::1]:7830", Place(host="::1", port=7830)), ("/run/spamd.sock", Place(path="/run/spamd.sock")),
])  # fmt: skip
def test_a_place_is_a_host_or_a_socket(given: str, place: Place) -> None:
    assert read_place(given) == place
    assert load({"SPAMD": given}).spamd == given


@pytest.mark.parametrize("given", [
    "a b", "127.0.0.1:0", "mx:65536", "[::1", "[1.2.3.4]:2", "http://mx", "a:b@mx", "/" + "a" * 108, ":783", "mx:",
])  # fmt: skip
def test_what_is_no_place_stops_the_start(given: str) -> None:
    with pytest.raises(SettingsError, match=r"SPAMD .*: should be spamd's host and port, for example 127.0.0.1:783"):
        load({"SPAMD": given})
