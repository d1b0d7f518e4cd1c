"""Send a letter's links through an address of our own, where staff chose to count which of them are opened."""

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from html import escape, unescape

from tpminstitute.mail.letters import Letter

_LINK = re.compile(r'href="(https?://[^"]*)"')


def sent_through(letter: Letter, address: Callable[[str], str], never: Collection[str] = ()) -> Letter:
    """Return `letter` with each web link of its HTML replaced by `address(link)`.

    Its text keeps the links as they are, for who wants to see where they lead. Parameters: `never`, how the links
    begin that stay, such as the way to unsubscribe.
    """

    def replaced(match: re.Match[str]) -> str:
        url = unescape(match[1])
        return match[0] if url.startswith(tuple(never)) else f'href="{escape(address(url))}"'

    return replace(letter, html=_LINK.sub(replaced, letter.html))
