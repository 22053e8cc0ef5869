"""The list of throw-away domains: what may stand in it, and what it covers."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import event

from newsletter import brand, schema, throwaway
from newsletter.brand import Brand
from newsletter.runtime import Runtime
from newsletter.throwaway import MOST, BadDomains
from tests.test_migrations import back_to

OWN = "human-movement.com"


def test_a_domain_and_all_below_it_are_covered_in_either_spelling() -> None:
    listed = throwaway.listed(
        "Mailinator.COM.\n\n# a note\n@yopmail.com # and another\nbücher.example\nxn--mnchn-esa3k.de"
    )
    assert listed == {"mailinator.com", "yopmail.com", "xn--bcher-kva.example", "xn--mnchn-esa3k.de"}
    for domain in ("mailinator.com", "a.mailinator.com", "a.b.mailinator.com", "xn--bcher-kva.example"):
        assert throwaway.covers(listed, domain), domain
    for domain in ("notmailinator.com", "mailinator.com.example", "com", "mailinator", "example"):
        assert not throwaway.covers(listed, domain), domain


@pytest.mark.parametrize("own", ["", OWN])
def test_our_list_can_stand_as_an_owners(own: str) -> None:
    throwaway.check(throwaway.our_text(), own)
    assert len(throwaway.ours()) > 80
    forwarders = {"duck.com", "simplelogin.com", "mozmail.com", "privaterelay.appleid.com", "icloud.com", "gmail.com"}
    assert not any(throwaway.covers(throwaway.ours(), one) for one in forwarders)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("*", "without *"), ("*.mailinator.com", "without *"), ("mail*.com", "without *"),
        ("com", "is no domain"), (".", "is no domain"), ("..", "is no domain"), ("a..b", "is no domain"),
        ("-a.com", "is no domain"), ("a b.com", "is no domain"), ("jane@example.com", "is no domain"),
        ("https://mailinator.com/", "is no domain"), ("127.0.0.1", "is no domain"), ("[::1]", "is no domain"),
        ("<script>alert(1)</script>.com", "is no domain"), ("%(line)s.com", "is no domain"),
        ("{{7*7}}.com", "without *"),
        ("a" * 64 + ".com", "is no domain"), ("a." * 130 + "com", "is no domain"), ("ü" * 5_000, "is no domain"),
        ("\u202emoc.liam", "is no domain"), ("co.uk", "everybody’s"), ("com.AU.", "everybody’s"),
        (OWN, "your own mail"), ("Human-Movement.com.", "your own mail"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_stand_there_is_named(line: str, says: str) -> None:
    with pytest.raises(BadDomains) as told:
        throwaway.check(f"mailinator.com\n\n# note\n{line}\nyopmail.com", f"mail.{OWN}")
    assert says in str(told.value) and str(told.value).startswith("Line 4")


def test_a_list_may_be_long_and_not_endless() -> None:
    lines = [f"d{number}.example.com  # {number}" for number in range(MOST)]
    throwaway.check("\n".join(lines[:10_000]), OWN)
    throwaway.check("\n".join(lines), OWN)
    with pytest.raises(BadDomains, match="These are 20001 domains; 20000 are the most"):
        throwaway.check("\n".join([*lines, "one.more.example"]), OWN)
    with pytest.raises(BadDomains, match="too long"):
        throwaway.check("#" * (throwaway.LONGEST + 1), OWN)


@given(st.text())
@example("\n".join("\0\r\u2028x.com*#@." * 5))
def test_nothing_that_is_typed_breaks_it(typed: str) -> None:
    try:
        throwaway.check(typed, OWN)
    except BadDomains:
        return
    assert not throwaway.covers(throwaway.listed(typed), OWN)


def _house() -> Brand:
    return Brand(id=1, email=f"paul@{OWN}", refuses_throwaway=True, throwaway_print="")


def test_our_list_stays_ours_and_an_owners_is_kept_as_it_was_typed() -> None:
    house = _house()
    assert house.refuses("mailinator.com") and not house.refuses("a.example.com")
    house.list_throwaway("  # mine\r\nexample.com\r\n")
    assert house.throwaway_list == "# mine\nexample.com"
    assert house.refuses("a.example.com") and not house.refuses("mailinator.com")
    house.list_throwaway("")
    assert house.throwaway_list == "" and not house.refuses("mailinator.com") and not house.refuses("a.example.com")
    with pytest.raises(BadDomains):
        house.list_throwaway(f"yopmail.com\n{OWN}")
    assert house.throwaway_list == "", "what cannot be gone by changes nothing"
    house.list_throwaway(throwaway.our_text())
    assert house.throwaway is None and house.throwaway_list == throwaway.our_text()


def test_the_owners_own_domain_is_known_in_letters_too() -> None:
    house = _house()
    house.email = "paul@Bücher.example"
    with pytest.raises(BadDomains, match="your own mail"):
        house.list_throwaway("xn--bcher-kva.example")


def test_a_list_is_read_once_and_never_with_a_page(runtime: Runtime) -> None:
    """The row of the brand is read with every page, the list that belongs to it only where it is new."""
    with runtime.database.transaction() as session:
        brand.current(session).list_throwaway(f"# {runtime.settings.data_dir}\nexample.com")
    asked: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    event.listen(runtime.database.engine, "before_cursor_execute", keep)
    for _ in range(3):
        with runtime.database.reading() as session:
            assert brand.current(session).refuses("a.example.com")
    looks = [one for one in asked if "FROM throwaway_lists" in one]
    assert len(looks) == 1 and len([one for one in asked if "FROM brand" in one]) == 3
    event.remove(runtime.database.engine, "before_cursor_execute", keep)


def test_an_older_database_refuses_by_our_list(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        house = brand.current(session)
        house.list_throwaway("example.com")
        house.refuses_throwaway = False
    back_to("0190", runtime.database)
    schema.upgrade(runtime.database)
    with runtime.database.reading() as session:
        house = brand.current(session)
        assert house.refuses("mailinator.com") and not house.refuses("example.com")
