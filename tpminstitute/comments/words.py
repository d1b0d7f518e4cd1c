"""What a visitor typed as a comment, made into safe HTML: paragraphs, emphasis, code, lists, quotes and links."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import cast

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from tpminstitute.core.text import visible

DEEPEST = 8
"""How far blocks may stand within blocks; a text that goes deeper is shown as it was typed."""

_RULES = ["backticks", "blockquote", "emphasis", "entity", "escape", "fence", "link", "autolink", "list", "newline"]
_TAGS = {"p", "a", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "br"}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_SCHEMES = {"http", "https"}
_ADDRESS = re.compile(r"\b(https?://[^\s<>\"⟨⟩]*[^\s<>\"⟨⟩.,;:!?'’”)\]}*_…])")
"""A web address with its scheme; what ends a sentence or a bracket around it isn't part of it."""

_REL = "nofollow ugc noopener"
"""Search engines follow none of it (`ugc`: what users wrote), and the page behind it learns nothing of ours."""


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("zero", {"html": False, "breaks": True}).enable(_RULES)


def plain(body: str) -> str:
    """Return a comment's words on one line, without marks and where its links lead: to be searched, not to be shown."""
    tokens = _markdown().parse(body)
    if any(token.level > DEEPEST for token in tokens):
        return " ".join(body.split())
    inner = [piece for token in tokens for piece in token.children or [token]]
    return " ".join(
        "".join(piece.content or (" " if piece.block or piece.tag == "br" else "") for piece in inner).split()
    )


def _with_addresses(pieces: Sequence[Token]) -> Iterator[Token]:
    """Yield the pieces of a paragraph with web addresses that stand in its text, outside of links, made into links."""
    within = 0
    for piece in pieces:
        within += piece.nesting if piece.tag == "a" else 0
        if piece.type != "text" or within:
            yield piece
            continue
        for number, part in enumerate(_ADDRESS.split(piece.content)):
            yield from _linked(part) if number % 2 else [replace(piece, content=part)]


def _linked(address: str) -> Iterator[Token]:
    """Yield a typed address as a link to where it says; one that leads nowhere safe stays a text."""
    text = Token("text", "", 0, content=address)
    href = _markdown().normalizeLink(address)
    if not _markdown().validateLink(href):
        yield text
        return
    yield Token("link_open", "a", 1, attrs={"href": href})
    yield text
    yield Token("link_close", "a", -1)


@lru_cache(maxsize=1024)
def html_of(body: str) -> Markup:
    """Return a comment as HTML that can do nothing but be read.

    No headings, no pictures, no tags of its own; links lead to the web only, and a web address in the text is one.
    Characters that hide or reorder others are written out. What is nested deeper than `DEEPEST` is shown as it was
    typed, so that no word is lost.
    """
    text = visible(body)
    tokens = _markdown().parse(text)
    for token in tokens:
        token.children = list(_with_addresses(token.children)) if token.children else token.children
    if any(token.level > DEEPEST for token in tokens):
        return Markup("<p>{}</p>").format(Markup("<br>\n").join(escape(line) for line in text.splitlines()))
    html = cast(str, _markdown().renderer.render(tokens, _markdown().options, {}))
    return Markup(
        nh3.clean(
            html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, url_relative="deny", link_rel=_REL
        ).strip()
    )
