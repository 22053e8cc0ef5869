"""Addresses of links in an owner's text: a value may stand in one, but never say where it leads."""

import re
from collections.abc import Sequence

from newsletter.languages import said
from newsletter.mail.render.code import WORD, Code, code_of, refusal

_SETTLED = re.compile(r"(?:https?://[^/?#\s@]+|zql\d+qz[^/?#]*)[/?#]|mailto:|tel:", re.IGNORECASE)
"""Beginnings of an address after which nothing can change where it leads."""


def in_address(address: str, codes: Sequence[Code]) -> str:
    """A link's address whose words say that they stand in one. Raises BadArticle where a value would say whither."""

    def marked(match: re.Match[str]) -> str:
        code, before = code_of(match, codes), out[-1]
        if code.statement == "#":
            return ""
        if code.expression is None:
            raise refusal(
                code.where, code.source, said("a condition cannot stand in a link's address; put it around the link")
            )
        if not before and not code.expression.link:
            raise refusal(code.where, code.source, said("a link's address cannot begin with it; begin with https://…"))
        if before and not _SETTLED.match(before):
            told = said("it would say where the link leads; in an address it may stand behind the first / or ?")
            raise refusal(code.where, code.source, told)
        return f"zq{'u' if before else 'l'}{match[2]}qz"

    out, end = [""], 0
    for match in WORD.finditer(address):
        out.append(out[-1] + address[end : match.start()])
        out.append(out[-1] + marked(match))
        end = match.end()
    return out[-1] + address[end:]
