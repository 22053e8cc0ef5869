"""Paula at the import pages, with a worker behind her."""

import io

import pytest

from newsletter.imports import Import
from newsletter.runtime import Runtime
from tests.web.owner.conftest import Desk, readable

PAGE = "/owner/subscribers/import"
LIST = (
    "email,first_name,status,shoe_size,tags\njane@example.com,Jane,active,40,golf\n"
    "bo@example.com,Bo,bounced,41,\nnobody,N,active,1,\n"
)
COLUMNS = {"what-0": "email", "what-1": "first_name", "what-2": "status", "what-3": "", "what-4": "tags"}


class Clerk:
    """Paula, with a worker behind her."""

    def __init__(self, desk: Desk, runtime: Runtime) -> None:
        self.desk, self.runtime, self.path = desk, runtime, ""

    def send(self, content: str | bytes = LIST, name: str = "list.csv") -> str:
        """Send a file; the page that follows."""
        file = (io.BytesIO(content.encode() if isinstance(content, str) else content), name)
        answer = self.desk.post(PAGE, file=file)
        self.path = answer.request.path
        return readable(answer.text)

    def work(self) -> str:
        """Let the worker look; the page then."""
        self.runtime.go_on_with_imports(lambda: False)
        return self.desk.read(self.path)

    def say(self, what: str, **form: object) -> str:
        """Answer a page, and let the worker look."""
        answer = self.desk.post(f"{self.path}/{what}", **form)
        return readable(answer.text) if answer.status_code >= 400 else self.work()

    def to_the_check(self, content: str = LIST, columns: dict[str, str] = COLUMNS, **basis: object) -> str:
        """As far as the dry run."""
        self.send(content)
        self.say("columns", **columns)
        return self.say("basis", **{"basis": "At the desk", **basis})

    @property
    def row(self) -> Import:
        """Its record."""
        with self.runtime.database.reading() as session:
            return session.get_one(Import, int(self.path.rsplit("/", 1)[1]))


@pytest.fixture
def clerk(desk: Desk, runtime: Runtime) -> Clerk:
    return Clerk(desk, runtime)
