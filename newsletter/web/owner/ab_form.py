"""The form of an A/B test, on the page of a new campaign and on its own page; turns input into a Wish."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import IntegerField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional

from newsletter import characters
from newsletter.articles import LONGEST_LINE, Article
from newsletter.campaigns import ABTest, BadTest, Compares, IfClose, Judge, Wish
from newsletter.web.language import _, lazy
from newsletter.web.typed_form import TypedForm

NO_TEST = ""
HOURS, DAYS = "hours", "days"


def _choices(*pairs: tuple[str, str]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


class ABTestForm(TypedForm):
    """What is tested, on how many people, for how long, and how the winner is chosen."""

    compares = RadioField(
        lazy("What to test"), default=NO_TEST,
        choices=_choices(
            (NO_TEST, lazy("No test")), (Compares.SUBJECT, lazy("Two subjects")),
            (Compares.ARTICLE, lazy("Two articles")),
        ),
    )  # fmt: skip
    ab_subject = StringField(lazy("Subject of B"), [Optional(), Length(max=LONGEST_LINE)], filters=[characters.line])
    ab_preheader = StringField(
        lazy("Preheader of B"), [Optional(), Length(max=LONGEST_LINE)], filters=[characters.line]
    )
    ab_article = SelectField(lazy("Article B"), coerce=int, default=0)
    share = IntegerField(lazy("Share of the audience, in percent"), [Optional()], default=20)
    length = IntegerField(lazy("How long it runs"), [Optional()], default=4)
    unit = SelectField(lazy("Unit"), default=HOURS, choices=_choices((HOURS, lazy("hours")), (DAYS, lazy("days"))))
    judge = RadioField(
        lazy("What goes to the others"), default=Judge.HAND.value,
        choices=_choices(
            (Judge.CLICKS, lazy("What clearly more people click")), (Judge.HAND, lazy("What I choose, by a press"))
        ),
    )  # fmt: skip
    if_close = RadioField(
        lazy("If the clicks are too few to tell"), default=IfClose.WAIT.value,
        choices=_choices((IfClose.WAIT, lazy("Wait for my press")), (IfClose.A, lazy("Send A"))),
    )  # fmt: skip

    def forgets_to_test(self) -> bool:
        """Whether a B is named without a test being chosen; if so, adds an error to the field."""
        named = bool(self.ab_subject.data or self.ab_article.data)
        if self.compares.data == NO_TEST and named:
            self.compares.errors = [_("You have named a B: choose what to test, or leave subject and article B empty.")]
        return self.compares.data == NO_TEST and named

    def wish(self, session: Session) -> Wish | None:
        """The test requested, or None."""
        if self.compares.data == NO_TEST:
            return None
        length, article = self.length.data, self.ab_article.data
        return Wish(
            compares=Compares(self.compares.data), share=self.share.data,
            hours=length * 24 if length and self.unit.data == DAYS else length, judge=Judge(self.judge.data),
            if_close=IfClose(self.if_close.data), subject=self.ab_subject.data or "",
            preheader=self.ab_preheader.data or "", article=session.get(Article, article) if article else None,
        )  # fmt: skip

    def refuse(self, error: BadTest) -> None:
        """Show each error beside its field."""
        fields = {"share": self.share, "hours": self.length, "judge": self.judge}
        fields |= {Compares.SUBJECT.value: self.ab_subject, Compares.ARTICLE.value: self.ab_article}
        for name, told in error.errors.items():
            fields[name].errors = [told]


def ab_form(session: Session, **kwargs: Any) -> ABTestForm:
    """The form with all articles to choose from."""
    form = ABTestForm(**kwargs)
    rows = session.execute(select(Article.id, Article.title).order_by(Article.updated_at.desc()))
    form.ab_article.choices = [SelectChoice(0, _("Choose…")), *(SelectChoice(id, title) for id, title in rows)]
    return form


def as_typed(test: ABTest) -> dict[str, Any]:
    """A test's settings as data for the form."""
    in_days = test.hours % 24 == 0
    return {
        "compares": test.compares.value, "ab_subject": test.subject, "ab_preheader": test.preheader,
        "ab_article": test.b.article_id if test.compares is Compares.ARTICLE else 0, "share": test.share,
        "length": test.hours // 24 if in_days else test.hours, "unit": DAYS if in_days else HOURS,
        "judge": test.judge.value, "if_close": test.if_close.value,
    }  # fmt: skip
