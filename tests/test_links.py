"""Links: a token is worth something only as it was made, and only for what it was made for."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsletter.links import BadLink, ExpiredLink, Purpose, Signer, Urls, still_good

SIGNER = Signer(b"k" * 40)
NUMBERS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4)
PURPOSES = st.sampled_from(Purpose)


@given(PURPOSES, NUMBERS)
def test_what_was_signed_is_read_back(purpose: Purpose, numbers: list[int]) -> None:
    token = SIGNER.token(purpose, *numbers)
    assert SIGNER.numbers(purpose, token) == tuple(numbers)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_the_tokens_of_a_message_are_those_that_are_made_one_by_one(subscriber: int, message: int) -> None:
    one_by_one = (
        SIGNER.token(Purpose.PREFERENCES, subscriber),
        SIGNER.token(Purpose.VIEW, message),
        SIGNER.token(Purpose.UNSUBSCRIBE, subscriber, message),
    )
    made = [token.decode() + SIGNER.key_id for token in SIGNER.letter_maker()(subscriber, message)[:3]]
    assert made == list(one_by_one)
    more = [token.decode() + SIGNER.key_id for token in SIGNER.letter_maker(clicks=True)(subscriber, message)]
    assert more == [*one_by_one, SIGNER.token(Purpose.CLICK, message)]


@given(PURPOSES, PURPOSES, st.binary(min_size=1, max_size=300), st.data())
def test_what_was_sealed_is_opened_whole_for_its_purpose_alone(
    made: Purpose, used: Purpose, payload: bytes, data: st.DataObject
) -> None:
    token = SIGNER.sealed(made, payload)
    assert SIGNER.opened(made, token) == Signer(b"n" * 40, [b"k" * 40]).opened(made, token) == payload
    place = data.draw(st.integers(0, len(token) - 1))
    other = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    for broken in (other, token[:place], token + "A", token + token):
        with pytest.raises(BadLink):
            SIGNER.opened(made, broken)
    if made is not used:
        with pytest.raises(BadLink):
            SIGNER.opened(used, token)


@given(PURPOSES, PURPOSES, NUMBERS)
def test_a_token_for_something_else_is_no_link(made: Purpose, used: Purpose, numbers: list[int]) -> None:
    assume(made is not used)
    with pytest.raises(BadLink):
        SIGNER.numbers(used, SIGNER.token(made, *numbers))


@given(PURPOSES, NUMBERS, st.data())
def test_a_token_that_is_cut_off_is_no_link(purpose: Purpose, numbers: list[int], data: st.DataObject) -> None:
    token = SIGNER.token(purpose, *numbers)
    with pytest.raises(BadLink):
        SIGNER.numbers(purpose, token[: data.draw(st.integers(0, len(token) - 1))])


@given(NUMBERS, st.data())
def test_one_changed_bit_is_no_link(numbers: list[int], data: st.DataObject) -> None:
    token = SIGNER.token(Purpose.UNSUBSCRIBE, *numbers)
    raw = bytearray(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadLink):
        SIGNER.numbers(Purpose.UNSUBSCRIBE, urlsafe_b64encode(raw).rstrip(b"=").decode())


@given(st.one_of(st.text(), st.text("ABCabc019-_=", min_size=1), st.binary().map(lambda b: b.decode("latin-1"))))
def test_whatever_else_somebody_types_is_no_link(typed: str) -> None:
    with pytest.raises(BadLink):
        SIGNER.numbers(Purpose.CONFIRM, typed)


@given(NUMBERS, st.sampled_from(["=", "==", " ", "\n", "!", "A", "%3D"]))
def test_a_token_has_one_spelling(numbers: list[int], more: str) -> None:
    with pytest.raises(BadLink):
        SIGNER.numbers(Purpose.VIEW, SIGNER.token(Purpose.VIEW, *numbers) + more)


def test_a_long_token_is_refused_unread() -> None:
    with pytest.raises(BadLink):
        SIGNER.numbers(Purpose.VIEW, "A" * 10_000_000)


def test_another_houses_key_makes_other_tokens() -> None:
    with pytest.raises(BadLink):
        SIGNER.numbers(Purpose.VIEW, Signer(b"j" * 40).token(Purpose.VIEW, 7))


def test_a_tag_survives_a_change_of_case_and_differs_by_purpose() -> None:
    tag = SIGNER.message_tag(77)
    assert tag == tag.lower()
    assert tag.startswith("4d-")
    number, half = tag.split("-")
    assert SIGNER.return_tag(77).startswith(f"{number}-")
    assert half not in SIGNER.return_tag(77)
    assert SIGNER.message_tag(78).partition("-")[2] != half


def test_links_lead_to_their_pages_and_name_nobody() -> None:
    urls = Urls("https://news.example.org", SIGNER)
    made = [urls.confirm(1, 2), urls.library(1), urls.preferences(1), urls.unsubscribe(1, 2), urls.view(2)]
    pages = [urlsplit(url).path.split("/")[1] for url in made]
    assert pages == ["confirm", "library", "preferences", "unsubscribe", "view"]
    assert urls.guide_pdf(1, "exercise-at-50") == f"{urls.library(1)}/exercise-at-50.pdf"


def test_a_link_with_a_time_works_through_its_last_second() -> None:
    last = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
    still_good(int(last.timestamp()), last)
    with pytest.raises(ExpiredLink):
        still_good(int(last.timestamp()), last.replace(second=1))


# Made by the first edition, which named no key, under b"k" * 40.
UNNAMED = {
    (Purpose.UNSUBSCRIBE, (5, 77)): "AAAAAAAAAAUAAAAAAAAATRBAdjvpKAn6Ojeucp1OzsU",
    (Purpose.PREFERENCES, (5,)): "AAAAAAAAAAVXDtNgthh4CSNOVXNMQ1nT",
    (Purpose.CONFIRM, (3, 1800000000)): "AAAAAAAAAAMAAAAAa0nSAK2pLEfc5f9iKPItH1piZNY",
    (Purpose.DOWNLOAD, (5, 2, 1800000000)): "AAAAAAAAAAUAAAAAAAAAAgAAAABrSdIAsvLtzJ9J2mwIpx0lzokDUA",
}


@pytest.mark.parametrize(("purpose", "numbers"), UNNAMED)
def test_links_of_the_first_edition_keep_working(purpose: Purpose, numbers: tuple[int, ...]) -> None:
    token = UNNAMED[purpose, numbers]
    assert SIGNER.numbers(purpose, token) == numbers
    assert Signer(b"n" * 40, [b"j" * 40, b"k" * 40]).numbers(purpose, token) == numbers
    for spoilt in (token[:-1], token + SIGNER.key_id, token.swapcase()):
        with pytest.raises(BadLink):
            SIGNER.numbers(purpose, spoilt)


@given(PURPOSES, NUMBERS)
def test_links_outlive_a_change_of_the_key_as_long_as_the_old_one_is_there(
    purpose: Purpose, numbers: list[int]
) -> None:
    token = SIGNER.token(purpose, *numbers)
    changed = Signer(b"n" * 40, [b"j" * 40, b"k" * 40])
    assert changed.numbers(purpose, token) == tuple(numbers)
    assert changed.token(purpose, *numbers) != token
    with pytest.raises(BadLink):
        Signer(b"n" * 40, [b"j" * 40]).numbers(purpose, token)


def test_a_token_names_its_key_and_another_name_does_not_make_it_anothers() -> None:
    other = Signer(b"j" * 40)
    assert SIGNER.token(Purpose.VIEW, 7).endswith(SIGNER.key_id)
    assert SIGNER.key_id != other.key_id
    with pytest.raises(BadLink):
        SIGNER.numbers(Purpose.VIEW, other.token(Purpose.VIEW, 7).removesuffix(other.key_id) + SIGNER.key_id)


def test_a_message_keeps_its_tags_when_the_key_is_changed_between_two_tries() -> None:
    first, second, third = b"a" * 40, b"b" * 40, b"c" * 40
    changed = Signer(third, [second, first])
    changed.learn_ranges([(10, Signer(first).key_print), (20, Signer(second).key_print)])
    for secret, numbers in ((first, (1, 10)), (second, (11, 20)), (third, (21, 10**12))):
        for number in numbers:
            assert changed.tags(number) == Signer(secret).tags(number)


@given(st.integers(0, 2**63 - 1), st.sampled_from([b"k" * 40, b"j" * 40, b"n" * 40]))
def test_a_return_path_names_its_message_whatever_key_it_was_made_with(number: int, secret: bytes) -> None:
    changed = Signer(b"n" * 40, [b"j" * 40, b"k" * 40])
    tag = Signer(secret).return_tag(number)
    assert changed.returned_number(tag) == changed.returned_number(tag.upper()) == number
    assert changed.message_number(Signer(secret).message_tag(number)) == number
    with pytest.raises(BadLink):
        changed.message_number(tag)
    for forged in (Signer(secret).message_tag(number), Signer(b"x" * 40).return_tag(number)):
        with pytest.raises(BadLink):
            changed.returned_number(forged)


@given(st.one_of(st.text(), st.from_regex(r"\A[0-9a-f]{1,17}-[0-9a-f]{15,17}\n?\Z")))
def test_whatever_else_comes_back_is_no_return_path(tag: str) -> None:
    with pytest.raises(BadLink):
        SIGNER.returned_number(tag)
