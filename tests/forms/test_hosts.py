"""Which sites are the owner's."""

import pytest

from newsletter.forms import BadHost, allowed_origin, may_lead_to, origin_of, read_origins

BLOG = "https://blog.example.org"


def test_sites_are_read_as_an_owner_types_them() -> None:
    typed = (
        "https://Blog.Example.org/a/page?q=1\nwww.example.org\n\n http://old.example.org:8080/ https://blog.example.org"
    )
    assert read_origins(typed) == [BLOG, "https://www.example.org", "http://old.example.org:8080"]
    assert read_origins("bücher.example") == ["https://xn--bcher-kva.example"]
    assert read_origins("https://blog.example.org:443") == [BLOG], "the usual port is not named by browsers"


BAD = ("ftp://example.org", "javascript:alert(1)", "https://", "https://a b", "*", "https://*.example.org",
       "https://user@example.org", "https://example.org;script-src", "https://ex'ample.org", "https://[::1", "data:x",
       "https://example.org:99999", "https://" + "a" * 300)  # fmt: skip


@pytest.mark.parametrize("typed", BAD)
def test_what_is_no_site_is_told(typed: str) -> None:
    if " " in typed:
        assert read_origins(typed) == ["https://a", "https://b"], "two words are two sites"
        return
    with pytest.raises(BadHost, match="looks like https"):
        read_origins(typed)


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(BadHost, match="more than 50"):
        read_origins("\n".join(f"site{number}.example" for number in range(51)))


HOSTILE = ("null", "", "https://blog.example.org.evil.example", "http://blog.example.org", "https://blog.example.org:444",
           "https://evil.example/https://blog.example.org", "https://blog.example.org@evil.example",
           "https://evil.example#@blog.example.org", "//blog.example.org", "https:blog.example.org",
           "https://blog.example.org\\@evil.example", "https://xblog.example.org",
           "https://blog.example.org%00.evil")  # fmt: skip


@pytest.mark.parametrize("asked", HOSTILE)
def test_what_only_looks_like_the_owners_is_not(asked: str) -> None:
    assert allowed_origin(asked, [BLOG], local=False) is None
    assert not may_lead_to(asked, [BLOG], local=False)


@pytest.mark.parametrize("path", ["", "/", "/thanks?a=b#c", "/%22"])
def test_a_form_leads_to_the_owners_pages(path: str) -> None:
    assert may_lead_to(BLOG + path, [BLOG], local=False)


@pytest.mark.parametrize("path", ['/"onload=', "/a b", "/\nSet-Cookie: a", "/<", "/\\evil", "/é"])
def test_but_not_by_an_address_that_programs_read_differently(path: str) -> None:
    assert not may_lead_to(BLOG + path, [BLOG], local=False)


@pytest.mark.parametrize("page", ["http://localhost:8026/post", "http://127.0.0.1:9/", "http://[::1]:8026"])
def test_at_home_every_page_of_this_machine_is_the_owners(page: str) -> None:
    assert allowed_origin(page, [], local=True) == origin_of(page)
    assert allowed_origin(page, [], local=False) is None


def test_another_machine_is_not_this_one_whatever_it_is_called() -> None:
    for page in ("http://localhost.evil.example", "http://127.0.0.1.nip.io", "http://10.0.0.1"):
        assert allowed_origin(page, [], local=True) is None
