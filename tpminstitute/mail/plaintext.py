"""The plain text of a letter, made from its Markdown tokens."""

import textwrap
from collections.abc import Iterable, Sequence

from markdown_it.token import Token

WIDTH = 72
"""Columns of a line: short enough to be quoted twice within the 78 that RFC 5322, 2.1.1, advises."""


_CONTAINERS = ("bullet_list", "ordered_list", "blockquote")


def plain_text(tokens: Iterable[Token]) -> str:
    """Return the text of block `tokens`: paragraphs wrapped, lists and quotes kept, links "text: address"."""
    text = ""
    margins: list[str] = []
    bullet: tuple[int, str] | None = None
    items = 0
    close = False
    for token in tokens:
        name, _, side = token.type.rpartition("_")
        if name in _CONTAINERS and side == "open":
            items = items if margins else 0
            margins.append("> " if name == "blockquote" else "")
        elif name in _CONTAINERS:
            margins.pop()
        elif token.type == "list_item_open":
            mark = f"{token.info}{token.markup} " if token.info else "- "
            margins[-1] = " " * len(mark)
            bullet = (len(margins) - 1, mark)
            items += 1
        elif token.type == "paragraph_open":
            close = token.hidden and items > 1
        elif token.type in {"inline", "hr"}:
            words = "* * *" if token.type == "hr" else _inline(token.children or [])
            block = _block(words, margins, bullet)
            text += block if not text else ("\n" if close else "\n\n") + block
            bullet, close = None, False
    return text


def wrapped(text: str, first: str = "", later: str = "") -> str:
    """Return `text` in lines of `WIDTH` columns, `first` before the first of them, `later` before the others.

    A word that is longer than a line, such as an address, stays whole.
    """
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _block(text: str, margins: Sequence[str], bullet: tuple[int, str] | None) -> str:
    later = "".join(margins)
    first = later
    if bullet is not None:
        at, mark = bullet
        first = "".join([*margins[:at], mark, *margins[at + 1 :]])
    lines = text.split("\n")
    return "\n".join(wrapped(line, first if at == 0 else later, later) for at, line in enumerate(lines))


def _inline(tokens: Sequence[Token]) -> str:
    text = ""
    links: list[tuple[str, int]] = []
    for token in tokens:
        if token.type == "link_open":
            links.append((str(token.attrs["href"]), len(text)))
        elif token.type == "link_close":
            address, start = links.pop()
            label = text[start:]
            if label not in {address, address.partition(":")[2]}:
                text += f": {address}" if label else address
        else:
            text += {"softbreak": " ", "hardbreak": "\n"}.get(token.type, token.content)
    return text
