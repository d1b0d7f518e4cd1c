"""The named parts of a chapter, such as a skill or a certification: each gets an anchor, made from its name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from markdown_it.token import Token

_CERTIFICATION = re.compile(r"[A-Z][A-Za-z]*(?: [A-Z][A-Za-z]*)+ \((?P<short>[A-Z]{2,6})\)")
"""A name in capitals with its abbreviation: Certified Scrum Master (CSM)."""


class PartKind(StrEnum):
    """What a named part is, as its anchor and a letter about it say it."""

    SKILL = "skill"
    CERTIFICATION = "certification"


@dataclass(frozen=True)
class Part:
    """A named part of a chapter: `anchor` is its address on the page, `short` what it is called in a row of names."""

    kind: PartKind
    anchor: str
    name: str
    short: str


def anchor_parts(tokens: Sequence[Token], slug: str) -> tuple[Part, ...]:
    """Give the named parts in the `tokens` of the chapter of `slug` their anchors, and return them in their order.

    A skill is a list item that begins with a strong name. A certification is a name with its abbreviation in
    parentheses, where the chapter's title speaks of certifications: elsewhere it may be a role or a method.
    """
    parts = _anchor_items(tokens)
    if "certifications" in slug.split("-"):
        parts += _anchor_certifications(tokens)
    return tuple(parts)


def _anchor_items(tokens: Sequence[Token]) -> list[Part]:
    parts = []
    for item, _, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        words = inline.children or []
        # An empty text token may stand before the first strong word.
        words = words[1:] if words and not words[0].content and words[0].type == "text" else words
        if item.type == "list_item_open" and len(words) > 1 and words[0].type == "strong_open":
            name = words[1].content
            part = Part(PartKind.SKILL, f"skill-{_slug(name)}", name, name)
            item.attrSet("id", part.anchor)
            parts.append(part)
    return parts


def _anchor_certifications(tokens: Sequence[Token]) -> list[Part]:
    parts: list[Part] = []
    for token in tokens:
        if token.type == "inline" and token.children:
            token.children = [piece for child in token.children for piece in _split(child, parts)]
    return parts


def _split(text: Token, parts: list[Part]) -> list[Token]:
    """Return a text in pieces, what is a certification for the first time within a span; adds it to `parts`."""
    if text.type != "text":
        return [text]
    pieces, at = [], 0
    for found in _CERTIFICATION.finditer(text.content):
        part = Part(PartKind.CERTIFICATION, f"certification-{_slug(found['short'])}", found[0], found["short"])
        if part.anchor in {one.anchor for one in parts}:
            continue
        parts.append(part)
        pieces.append(text.copy(content=text.content[at : found.start()]))
        pieces.append(Token("span_open", "span", 1, attrs={"id": part.anchor}))
        pieces.append(text.copy(content=found[0]))
        pieces.append(Token("span_close", "span", -1))
        at = found.end()
    return [*pieces, text.copy(content=text.content[at:])]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
