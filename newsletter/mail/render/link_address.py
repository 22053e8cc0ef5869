"""Checks link addresses in an owner's text: a value may be part of one, but never decide where it leads."""

import re
from collections.abc import Sequence

from newsletter.languages import said
from newsletter.mail.render.code import WORD, Code, code_of, refusal

_SETTLED = re.compile(r"(?:https?://[^/?#\s@]+|zql\d+qz[^/?#]*)[/?#]|mailto:|tel:", re.IGNORECASE)
"""Starts of an address after which nothing can change where it leads."""


def in_address(address: str, codes: Sequence[Code]) -> str:
    """A link's address with its placeholders marked. Raises BadArticle if a value would decide its target."""

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
            problem = said("it would say where the link leads; in an address it may stand behind the first / or ?")
            raise refusal(code.where, code.source, problem)
        return f"zq{'u' if before else 'l'}{match[2]}qz"

    out, end = [""], 0
    for match in WORD.finditer(address):
        out.append(out[-1] + address[end : match.start()])
        out.append(out[-1] + marked(match))
        end = match.end()
    return out[-1] + address[end:]
