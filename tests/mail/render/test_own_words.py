"""An owner's own words in the mails that the product sends by itself."""

import pytest

from newsletter import brand
from newsletter.brand import Brand
from newsletter.mail.render import Reader, Renderer, check_own_words, names_in
from newsletter.mail.render.renderer import Rendered
from newsletter.mail_words import LONGEST_OPENING, OURS, BadWords, MailWords, OwnMail
from newsletter.settings import ROOT
from newsletter.subscribers import FIRST_NAME, Stream
from tests.conftest import NOON
from tests.mail.render.conftest import CONTEXTS, GUIDE, claimed

SITE = "http://localhost:8000"
WORDS = MailWords("Yours: {{ guide.title }}", "Dear **reader**,\n\nwelcome to {{ brand.name }}.", "Warmly\n<b>Paul</b>")
MAILS = pytest.mark.parametrize("mail", list(OwnMail), ids=str)
EVIL = '<script>x</script> & "q" [x](http://evil)'


def _words(mail: OwnMail) -> MailWords:
    subject = {OwnMail.PROVE: "", OwnMail.GOODBYE: "Farewell", OwnMail.DIGEST: "News"}.get(mail, WORDS.subject)
    return MailWords(subject, WORDS.opening, WORDS.closing)


def _house() -> Brand:
    return brand.from_site(brand.read_site(ROOT / "site.toml"))


def _seen(renderer: Renderer, house: Brand, mail: OwnMail, name: str = "Jane", **context: object) -> Rendered:
    reader = Reader(5, {FIRST_NAME: name}, 77)
    return renderer.rendered(Stream(mail), house, reader, None, {**CONTEXTS[Stream(mail)], **context})


def _saying(mail: OwnMail, words: MailWords) -> Brand:
    house = _house()
    house.reword(mail, words)
    return house


@MAILS
def test_both_parts_say_them_and_keep_what_a_promise_needs(mail: OwnMail, renderer: Renderer) -> None:
    ours, own = (_seen(renderer, house, mail) for house in (_house(), _saying(mail, _words(mail))))
    assert "Dear <strong>reader</strong>," in own.html and "Warmly<br>\n&lt;b&gt;Paul&lt;/b&gt;" in own.html
    assert "welcome to Human Movement." in own.html and "welcome to Human Movement." in own.text
    assert "Warmly\n<b>Paul</b>\n" in own.text and "Hello" not in own.text + own.html
    for address in ("/confirm/", "/not-me/", "/unsubscribe/", "/preferences/", "/view/", "/own/", "/library/"):
        assert (address in own.html) == (address in ours.html), address
        assert (address in own.text) == (address in ours.text), address
    foot = ours.text.partition("\n----\n")[2]
    assert foot and foot == own.text.partition("\n----\n")[2]


def test_subject_and_heading_are_the_owners(renderer: Renderer) -> None:
    seen = _seen(renderer, _saying(OwnMail.CONFIRM, WORDS), OwnMail.CONFIRM)
    assert seen.subject == "Yours: Exercise at 50" and "Yours: Exercise at 50</h1>" in seen.html
    left = _seen(renderer, _saying(OwnMail.GOODBYE, _words(OwnMail.GOODBYE)), OwnMail.GOODBYE)
    assert left.subject == "Farewell" and "You are unsubscribed</h1>" in left.html, "which has to be said"
    assert "You are unsubscribed." in left.text


@MAILS
def test_without_any_a_mail_says_what_it_said(mail: OwnMail, renderer: Renderer) -> None:
    ours = _seen(renderer, _house(), mail)
    assert _seen(renderer, _saying(mail, OURS), mail) == ours
    assert "Hello" in ours.text and "Paul" in ours.text.partition("\n----\n")[0]


def test_a_subject_that_comes_to_nothing_is_ours(renderer: Renderer) -> None:
    house = _saying(OwnMail.CONFIRM, MailWords("{{ guide.title }}"))
    assert _seen(renderer, house, OwnMail.CONFIRM, guide=None).subject == "Please confirm your address"


def test_an_owners_words_win_in_every_language(renderer: Renderer) -> None:
    house = _saying(OwnMail.GUIDE, MailWords(opening="Hi {{ first_name|default('friend') }}!"))
    house.language = "de"
    assert "Hi Jane!" in _seen(renderer, house, OwnMail.GUIDE).text
    assert "Hi friend!" in _seen(renderer, house, OwnMail.GUIDE, name="").text


def test_a_weekly_mail_names_its_articles(renderer: Renderer) -> None:
    words = MailWords(
        "{{ digest.title }}{% if digest.number > 1 %} and {{ digest.number }} in all{% endif %}",
        "Dear {{ first_name }}, see [your choices]({{ preferences_url }}).", "Yours, {{ brand.author }}",
    )  # fmt: skip
    house = _saying(OwnMail.DIGEST, words)
    seen = _seen(renderer, house, OwnMail.DIGEST)
    assert seen.subject == "Golf and 2 in all" and "Golf and 2 in all</h1>" in seen.html
    assert "Dear Jane, see" in seen.html and "since your last weekly mail" not in seen.html + seen.text
    assert "Read on: Knee &amp; hip" in seen.html and "Read on: " in seen.text and "Yours, Paul" in seen.text
    one = {"digest": [{"message": 70, "title": EVIL, "words": ""}]}
    seen = _seen(renderer, house, OwnMail.DIGEST, **one)
    assert seen.subject == EVIL and "<script" not in seen.html and 'href="http://evil' not in seen.html


def test_what_is_filled_in_stays_words(renderer: Renderer) -> None:
    house = _saying(OwnMail.GUIDE, MailWords("For {{ first_name }}", "{{ first_name }}", "{{ guide.title }}"))
    seen = _seen(renderer, house, OwnMail.GUIDE, name=EVIL, guide={**GUIDE, "title": EVIL})
    assert "<script" not in seen.html and 'href="http://evil' not in seen.html and EVIL in seen.text
    assert seen.subject == f"For {EVIL}"


def test_an_unproven_address_is_called_by_no_name() -> None:
    for mail in (OwnMail.CONFIRM, OwnMail.REMINDER, OwnMail.PROVE):
        names = {one.name for one in names_in(mail)}
        assert not names & {"first_name", "greeting", "library_url", "preferences_url"}
        with pytest.raises(BadWords, match="there is no variable “first_name”") as caught:
            check_own_words(mail, MailWords(opening="Dear {{ first_name }}"), SITE)
        assert caught.value.field == "opening"


@MAILS
def test_every_name_has_a_value_in_every_copy(mail: OwnMail, renderer: Renderer) -> None:
    words = MailWords(opening=" ".join(one.code for one in names_in(mail)))
    check_own_words(mail, words, SITE)
    seen = _seen(renderer, _saying(mail, words), mail, **({"guide": None} if mail is not OwnMail.GUIDE else {}))
    assert "Human Movement" in seen.text.partition("\n----\n")[0].partition("\n")[0], "and not ours in its place"


@pytest.mark.parametrize(
    ("words", "field", "told"),
    [
        (MailWords("{{ nobody }}"), "subject", "there is no variable “nobody”"),
        (MailWords(closing="{% if x %}"), "closing", "there is no variable “x”"),
        (MailWords(opening="a" * (LONGEST_OPENING + 1)), "opening", "3,000 are the most"),
        (MailWords(opening="{{ brand.__class__ }}"), "opening", "there is no variable"),
    ],
)
def test_words_that_cannot_be_are_refused(words: MailWords, field: str, told: str) -> None:
    with pytest.raises(BadWords, match=told) as caught:
        check_own_words(OwnMail.GUIDE, words, SITE)
    assert caught.value.field == field


def test_a_proof_keeps_its_subject() -> None:
    with pytest.raises(BadWords, match="keeps our subject"):
        check_own_words(OwnMail.PROVE, MailWords("Hi"), SITE)


def test_words_that_cannot_be_read_any_more_stop_no_mail(renderer: Renderer) -> None:
    house = _house()
    house.reword(OwnMail.CONFIRM, MailWords("Old: {{ gone }}", "{{ gone }}"))
    assert _seen(renderer, house, OwnMail.CONFIRM) == _seen(renderer, _house(), OwnMail.CONFIRM)


def test_a_guide_that_an_owner_tries_says_them_too(renderer: Renderer) -> None:
    house = _saying(OwnMail.GUIDE, MailWords(opening="Welcome."))
    tried = renderer.rendered(Stream.TEST, house, Reader(0), None, {"guide": GUIDE, "series": True})
    assert tried.text.startswith("Welcome.\n\nHere is the guide")


def test_the_bytes_that_go_out_say_them(renderer: Renderer) -> None:
    house = _saying(OwnMail.CONFIRM, WORDS)
    one = claimed(Stream.CONFIRM)
    data = renderer.compose(one, house, None, NOON).data
    assert b"Subject: Yours: Exercise at 50\r\n" in data and b"welcome to Human Movement." in data
