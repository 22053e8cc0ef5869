"""Topics as readers meet them: boxes in forms and on the preferences page, without JavaScript."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from newsletter import forms as form_rows
from newsletter import topics
from newsletter.runtime import Runtime
from newsletter.subscribers import EVERY_TOPIC, Consent, Subscriber, TopicChoice, topic_choice
from newsletter.topics import Topic
from newsletter.web.forms import OTHER_WORDS
from newsletter.web.wording import TOPICS_ASKED, TOPICS_KEPT
from newsletter.wordings import Wording
from tests.conftest import NOON
from tests.web.conftest import FIFTY, Visitor, forms
from tests.web.owner.conftest import readable

Link = Callable[..., str]
REHAB, TRAINING = "1", "2"
FOOTER = "/f/footer"


def _takes(runtime: Runtime) -> TopicChoice | None:
    with runtime.database.reading() as session:
        jane = session.scalars(select(Subscriber)).one()
        return topic_choice(session, jane) if jane.newsletter else None


def _wordings(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(Wording.words).join(Consent).order_by(Consent.id)))


def _offer(runtime: Runtime, slug: str, offers: bool = True) -> None:
    with runtime.database.transaction() as session:
        form = form_rows.named(session, slug)
        assert form is not None
        form.offers_topics = offers


def _archive(runtime: Runtime, slug: str) -> None:
    with runtime.database.transaction() as session:
        found = topics.by_slug(session, slug)
        assert found is not None
        found.archive(NOON)


def test_the_footer_form_offers_the_topics_with_none_ticked(visitor: Visitor) -> None:
    page = visitor.get("/privacy")
    assert str(TOPICS_ASKED) in page.text and "topics" not in forms(page)[-1].fields
    guide = visitor.get(f"/guides/{FIFTY}").text.partition("<footer")[0]
    assert str(TOPICS_ASKED) not in guide, "that form offers none"


@pytest.mark.parametrize(
    ("ticked", "takes", "told"),
    [
        ([], EVERY_TOPIC, "the Human Movement newsletter, until you leave it"),
        ([TRAINING], TopicChoice.of({2}), "the Human Movement newsletter about Training, until you leave it"),
        ([REHAB, TRAINING], TopicChoice.of({1, 2}), "newsletter about Rehabilitation and Training, until"),
    ],
)
def test_what_is_ticked_is_what_the_page_tells_and_the_press_brings(
    ticked: list[str], takes: TopicChoice, told: str, visitor: Visitor, runtime: Runtime, link: Link
) -> None:
    assert visitor.press(FOOTER, email="jane@example.com", topics=ticked).status_code == 303
    assert told in visitor.get(link("confirm")).text
    assert visitor.press(link("confirm")).status_code == 303
    assert _takes(runtime) == takes
    named = ", ".join({REHAB: "Rehabilitation", TRAINING: "Training"}[one] for one in ticked)
    assert _wordings(runtime)[0].endswith(f"{TOPICS_ASKED} Ticked: {named or 'none'}.")


def test_a_tick_asks_for_the_newsletter_where_its_own_box_is_empty(
    visitor: Visitor, runtime: Runtime, link: Link
) -> None:
    _offer(runtime, FIFTY)
    visitor.subscribe(topics=[REHAB])
    visitor.press(link("confirm"))
    assert _takes(runtime) == TopicChoice.of({1})


def test_a_topic_that_went_while_the_form_was_open_never_becomes_all_of_them(
    visitor: Visitor, runtime: Runtime
) -> None:
    form = forms(visitor.get(FOOTER))[0]
    _archive(runtime, "training")
    sent = {**form.fields, "email": "jane@example.com", "topics": [TRAINING]}
    for left in ("agreed", ""):  # our own page, and plain HTML that sends no print of its words
        answer = visitor.browser.post(FOOTER, data={key: value for key, value in sent.items() if key != left})
        assert answer.status_code == 422 and 'value="jane@example.com"' in answer.text
    assert str(OTHER_WORDS) in readable(answer.text)
    _offer(runtime, "footer", offers=False)
    answer = visitor.browser.post(FOOTER, data={key: value for key, value in sent.items() if key != "agreed"})
    assert (answer.status_code, "not offered any more" in answer.text) == (422, True)
    with runtime.database.reading() as session:
        assert session.scalars(select(Consent)).all() == []


def test_plain_html_keeps_its_ticks_through_the_page_with_the_button(
    visitor: Visitor, runtime: Runtime, link: Link
) -> None:
    first = visitor.browser.post(FOOTER, data={"email": "jane@example.com", "topics": [REHAB, TRAINING]})
    assert "Ticked: Rehabilitation, Training." in first.text
    pressed, corrected = forms(first)[:2]
    again = visitor.browser.post(FOOTER, data=corrected.fields)
    assert forms(again)[0].fields["topics"] == [REHAB, TRAINING]
    assert "Check your inbox" in visitor.browser.post(FOOTER, data=pressed.fields).text
    visitor.press(link("confirm"))
    assert _takes(runtime) == TopicChoice.of({1, 2})


def test_the_forms_of_other_sites_offer_them_too(visitor: Visitor, runtime: Runtime, link: Link) -> None:
    assert f'name="topics" value="{TRAINING}"' in visitor.get("/embed/footer").text
    assert '[["1","Rehabilitation"],["2","Training"]]' in visitor.get("/embed/footer.js").text
    proof = visitor.proof("/embed/footer.json")
    told = {"email": "jane@example.com", "proof": proof, "topics": ["7", 1, None, {}]}
    refused = visitor.browser.post("/embed/footer", json=told)
    assert (refused.status_code, "not offered any more" in refused.get_json()["text"]) == (422, True)
    assert visitor.browser.post("/embed/footer", json={**told, "topics": [TRAINING]}).get_json()["state"] == "done"
    visitor.press(link("confirm"))
    assert _takes(runtime) == TopicChoice.of({2})


def test_a_script_from_a_cache_is_told_the_topics_of_today(visitor: Visitor, runtime: Runtime) -> None:
    proof = visitor.proof("/embed/footer.json")
    _archive(runtime, "training")
    told = {"email": "jane@example.com", "proof": proof, "topics": [], "agreed": "of yesterday"}
    answer = visitor.browser.post("/embed/footer", json=told).get_json()
    assert (answer["text"], answer["topics"]) == (OTHER_WORDS, [["1", "Rehabilitation"]])


@pytest.fixture
def page(jane: Visitor, link: Link) -> str:
    """Jane's preferences page; she takes every topic."""
    return link("preferences")


def _save(jane: Visitor, page: str, **changes: object) -> int:
    kept = {**forms(jane.get(page))[0].fields, **changes}
    return jane.browser.post(page, data={key: value for key, value in kept.items() if value is not None}).status_code


def test_each_topic_has_a_box_and_the_page_says_what_becomes_of_a_new_one(jane: Visitor, page: str) -> None:
    seen = jane.get(page)
    assert forms(seen)[0].fields["topics"] == [REHAB, TRAINING]
    assert str(TOPICS_KEPT) in seen.text
    assert readable(seen.text).count("Rehabilitation") == 2, "its box, and the site's menu"


def test_ticks_are_kept_as_they_stand(jane: Visitor, page: str, runtime: Runtime) -> None:
    for ticked, takes in (
        ([REHAB], TopicChoice.of({1})), ([TRAINING], TopicChoice.of({2})), (None, TopicChoice.of(())),
        ([REHAB, TRAINING], EVERY_TOPIC),
    ):  # fmt: skip
        assert _save(jane, page, topics=ticked) == 303
        assert _takes(runtime) == takes
        listed = ticked if ticked is None or len(ticked) > 1 else ticked[0]
        assert forms(jane.get(page))[0].fields.get("topics") == listed
    assert _wordings(runtime)[-1].endswith(f"Topics ticked: Rehabilitation, Training; not ticked: none. {TOPICS_KEPT}")


def test_saving_what_stands_there_changes_nothing(jane: Visitor, page: str, runtime: Runtime) -> None:
    before = _wordings(runtime)
    assert _save(jane, page) == 303
    assert (_takes(runtime), _wordings(runtime)) == (EVERY_TOPIC, before)


def test_a_page_that_was_open_when_a_topic_came_says_nothing_of_it(jane: Visitor, page: str, runtime: Runtime) -> None:
    _save(jane, page, topics=[REHAB])
    open_since = forms(jane.get(page))[0].fields
    with runtime.database.transaction() as session:
        topics.add(session, "Food", NOON)
    jane.browser.post(page, data={**open_since, "topics": [REHAB, TRAINING]})
    assert _takes(runtime) == TopicChoice.of({1, 2}), "all that it showed, and not the new one"


@pytest.mark.parametrize("shown", ["", "7", "x,\0,9999999999999999999999", "1;2", "-1"])
def test_a_page_that_showed_no_topic_changes_none(shown: str, jane: Visitor, page: str, runtime: Runtime) -> None:
    assert _save(jane, page, shown=shown, topics=["\0", "x", REHAB]) == 303
    assert _takes(runtime) == EVERY_TOPIC


def test_an_archived_topic_stays_chosen_and_is_not_shown(jane: Visitor, page: str, runtime: Runtime) -> None:
    _save(jane, page, topics=[TRAINING])
    _archive(runtime, "training")
    assert "Training" not in jane.get(page).text.partition('id="preferences-topics"')[2].partition("</fieldset>")[0]
    _save(jane, page, topics=None)
    assert _takes(runtime) == TopicChoice.of({2})


def test_without_topics_the_page_is_as_ever(jane: Visitor, page: str, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        slugs = session.scalars(select(Topic.slug)).all()
    for slug in slugs:
        _archive(runtime, slug)
    assert "topics" not in jane.get(page).text.partition("<main")[2]
    assert _save(jane, page, newsletter=None) == 303
    assert _takes(runtime) is None


def test_nobody_changes_somebody_elses(jane: Visitor, page: str, person: Callable[..., int], runtime: Runtime) -> None:
    bob = person("bob@example.com")
    his = urlsplit(runtime.renderer.urls.preferences(bob)).path
    hers = forms(jane.get(page))[0].fields
    jane.browser.post(his, data={**hers, "topics": [REHAB]})
    with runtime.database.reading() as session:
        every = dict(session.execute(select(Subscriber.email, Subscriber.every_topic)).all())
    assert every == {"jane@example.com": True, "bob@example.com": False}
