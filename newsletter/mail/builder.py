"""Builds the mails of one claim, each in its reader's language; bulk mail is spliced into one skeleton per language."""

from dataclasses import dataclass, field
from datetime import datetime

from newsletter.brand import Brand
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.render import Content, RenderedMessage, Renderer, Skeleton


@dataclass(slots=True)
class Builder:
    """Builds the mails of one claim, and lives as long."""

    renderer: Renderer
    brand: Brand
    brands: dict[str | None, Brand] = field(default_factory=dict)
    """By readers' language."""
    skeletons: dict[tuple[object, ...], Skeleton | None] = field(default_factory=dict)

    def mail(self, message: ClaimedMessage, content: Content | None, now: datetime) -> RenderedMessage:
        """The complete message. Raises BadArticle if the owner's text cannot be filled in, and OSError."""
        # One lookup suffices for most copies of a campaign.
        found = self.skeletons.get((message.dispatch_id, message.revision_id, message.language))
        if skeleton := found or self._skeleton(message, content):
            return skeleton.splice(message, now)
        return self.renderer.compose(message, self._speaking(message), content, now)

    def _speaking(self, message: ClaimedMessage) -> Brand:
        """The brand in the language of this message's reader."""
        found = self.brands.get(message.language)
        if found is None:
            found = self.brand.speaking(message.language, self.renderer.languages)
            self.brands[message.language] = found
        return found

    def _skeleton(self, message: ClaimedMessage, content: Content | None) -> Skeleton | None:
        """The skeleton that messages of this kind are spliced into; None: they are composed one by one."""
        kind: tuple[object, ...] = (message.dispatch_id, message.revision_id, message.language)
        if message.dispatch_id is None:
            if content is None or not message.stream.is_bulk:
                return None
            context, stream = message.context, message.stream
            kind = (stream, message.revision_id, message.language, context.get("guide"), context.get("accent"))
        if kind not in self.skeletons:
            self.skeletons[kind] = self.renderer.compile(message, self._speaking(message), content)
        return self.skeletons[kind]
