"""What other pages say of an A/B test: the editor, the file of results, a person, Home."""

from newsletter import articles
from newsletter.campaigns import Part
from newsletter.runtime import Runtime
from tests.campaigns.conftest import Stage
from tests.clicking import BODY
from tests.web.owner.conftest import Desk
from tests.web.owner.test_ab_tests import TEST, _go, golf, made

__all__ = ["golf", "made"]


def test_what_was_changed_in_the_article_since_is_told(desk: Desk, made: Stage, golf: int) -> None:
    path = f"/owner/campaigns/{made.a}"
    desk.post(f"{path}/schedule", when="at", day="2026-06-02", clock="09:00", accept="y")
    words = {"title": "Golf", "subject": "The other", "body": BODY, "base": "1"}
    desk.post(f"/owner/articles/{golf}/edit", **words)
    words = desk.read(path)
    assert "Its article was changed since you scheduled it" in words
    assert "A and B : needs you They are the same now." in words


def test_the_editor_and_the_page_know_both_articles(desk: Desk, golf: int, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        tennis = articles.write(session, runtime.clock.now(), title="Tennis", subject="Tennis", body=BODY).id
    both = TEST | {"compares": "article", "ab_article": str(tennis)}
    path = desk.post("/owner/campaigns/new", article=golf, **both).request.path
    assert "Tennis" in desk.read(path)
    desk.post(f"{path}/schedule", when="at", day="2026-06-02", clock="09:00", accept="y")
    for article in (golf, tennis):
        assert desk.read(f"/owner/articles/{article}/edit").count("Tue 2 Jun 2026, 09:00 BST") == 1
    assert "The article of B was changed" not in desk.read(path)
    words = {"title": "Tennis", "subject": "Serve", "body": BODY, "base": "1"}
    desk.post(f"/owner/articles/{tennis}/edit", **words)
    assert "The article of B was changed since you scheduled it, and goes out in version 2" in desk.read(path)


def test_the_file_of_results_says_which_part_of_which_test(desk: Desk, made: Stage) -> None:
    _go(desk, made)
    made.choose(Part.A)
    made.beat()
    lines = desk.get("/owner/results/export.csv").splitlines()
    assert lines[0].endswith(",ab_test,ab_part")
    assert {line.rsplit(",", 2)[-1] for line in lines[1:4]} == {"A", "B", "rest"}
    assert {line.rsplit(",", 2)[-2] for line in lines[1:4]} == {str(made.a)}


def test_the_page_of_a_person_says_which_one_they_get(desk: Desk, made: Stage, runtime: Runtime) -> None:
    desk.post(f"/owner/campaigns/{made.a}/schedule", when="at", day="2026-06-02", clock="09:00", accept="y")
    test, told = made.test(), {}
    for id in range(1_001, 1_101):
        slices = {"A": test.a.slice, "B": test.b.slice}
        part = next((name for name, one in slices.items() if one and one.holds(id)), "rest")
        told.setdefault(part, id)
    home = desk.read("/owner/")
    assert "Golf (A/B test) 09:00" in home and "Golf (what wins the A/B test) 13:00" in home
    a, b, rest = (desk.read(f"/owner/subscribers/{told[name]}") for name in ("A", "B", "rest"))
    assert "Tue 2 Jun 2026, 09:00 BST Golf (A of the A/B test)" in a
    assert "Tue 2 Jun 2026, 09:00 BST Golf (B of the A/B test)" in b
    assert "Tue 2 Jun 2026, 13:00 BST Golf (what wins the A/B test, at the soonest)" in rest
