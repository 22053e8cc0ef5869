"""First names as they may be greeted."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.subscribers import clean_name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (" Jane ", "Jane"),
        ("Jane\r\nBcc: bob", "Jane Bcc: bob"),
        ("Ja\x00ne", "Ja ne"),
        ("Ja\u2028ne", "Ja ne"),
        ("\ud800", ""),
        ("Zoë", "Zoë"),
        ("Zoe\u0308", "Zoë"),
        ("李 小龍", "李 小龍"),
        ("x" * 10_000, "x" * 80),
        ("\u200bJane\ufeff", "Jane"),
        ("Ja\u00adne", "Ja" + "ne"),
        ("\u202eenaJ\u202c", "enaJ"),
        ("\u2066Jane\u2069", "Jane"),
        ("Ja\u200c\u200dne", "Jane"),
        ("\u3164", ""),
        ("Jane\u3164\u115f\u2800\U000e0041", "Jane"),
        ("علی\u200cرضا", "علی\u200cرضا"),  # "Alireza", written as Persian writes it
        ("J" + "\u0310" * 40 + "ane", "J" + "\u0310" * 4 + "ane"),
    ],
)
def test_a_name_is_one_line_of_visible_text(typed: str, name: str) -> None:
    assert clean_name(typed) == name


@given(st.text() | st.text("Jané .\u200c\u200dعلی\u0301\u0323\u3164\u202e@/{}", max_size=90))
def test_a_clean_name_stays_as_it_is(typed: str) -> None:
    name = clean_name(typed)
    assert clean_name(name) == name
    assert len(name) <= 80
    unseen = [one for one in name if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]
    assert set(unseen) <= {"\u200c", "\u200d"}
    name.encode()


@pytest.mark.parametrize(
    "typed",
    [
        "http://evil.example", "see evil.com now", "www.evil", "a@b.example", "win.xyz/now", "Evil.Com", "EVIL.ORG",
        "evil.co.uk", "Evil.Co.Uk", "bit.ly", "Bit.Ly/x", "t.me/x", "evil.ru", "casino.bet", "evil。com", "evil․com",
        "ｅｖｉｌ．ｃｏｍ", "evil\u200b.com", "evil[.]com", "evil (dot) com", "jane (at) evil", "hxxp:evil", "//evil",
        "\\\\evil\\share", "mailto:x", "tel:123", "javascript:alert(1)", "DATA:text/html", "192.0.2.1", "[2001:db8::1]",
        "xn--80ak6aa92e", "москва.рф", "evil.中国", "call +44 20 7946 0000", "0800-1234567", "win.example:8080",
    ],
)  # fmt: skip
def test_a_name_that_is_an_address_is_no_name(typed: str) -> None:
    assert clean_name(typed) == ""


@pytest.mark.parametrize(
    "typed",
    [
        "NULL", "null", "(null)", "undefined", "None", "N/A", "#N/A", "nan", "NaN", "nil", "[object Object]",
        "{{first_name}}", "{{ subscriber.name }}", "*|FNAME|*", "%FIRSTNAME%", "%recipient.name%", "${name}", "[Name]",
        "[[first_name]]", "<first name>", "-", "...", "?", "12345", "",
    ],
)  # fmt: skip
def test_what_a_program_wrote_where_it_knew_none_is_no_name(typed: str) -> None:
    assert clean_name(typed) == ""


@pytest.mark.parametrize(
    "typed",
    [
        "Jane", "St. John", "J.R.", "O'Neil", "Jean-Luc", "Zoë", "李", "St.Jo", "Mr.Ed", "Jo.An", "J.R.R. Tolkien",
        "O'Brien", "Anne-Marie", "Dr.No", "Jean.Luc", "J.Smith", "A.B.C", "Dr.med. Anna", "D'Arcy", "Nan", "Nil",
        "Jane (Jo)", "Mary Ann", "St.-Jean", "د.أحمد", "Ng", "Null Jr", "Nguyễn", "Νίκος", "J.", "Jane, Lady",
    ],
)  # fmt: skip
def test_a_name_that_is_one_stays(typed: str) -> None:
    assert clean_name(typed) == typed
