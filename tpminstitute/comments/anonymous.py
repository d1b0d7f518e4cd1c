"""Take out of a text who wrote it: names, addresses and numbers. A person reads the rest before it is published."""

import re
from collections.abc import Collection

NAME_LEFT_OUT = "(name left out)"
ADDRESS_LEFT_OUT = "(address left out)"
NUMBER_LEFT_OUT = "(number left out)"

_ADDRESS = re.compile(r"(?:mailto:)?[^\s@<>()\[\],;:\"]+@[^\s@<>()\[\],;:\"]+\.[^\s@<>()\[\],;:\".!?]+")
_NUMBER = re.compile(r"(?<![\w/])\+?\(?\d(?:[\s().\-/]{0,3}\d){6,}(?!\w)")
_DATES = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{4}\s?[-–/]\s?\d{4}")
_GREETING = re.compile(r"\A\s*(?:hello|hi|hey|dear|good (?:morning|afternoon|evening))\b[^\n]{0,80}\n+", re.IGNORECASE)
_SHORTEST_NAME = 2


def anonymised(text: str, names: Collection[str], addresses: Collection[str]) -> str:
    """Return `text` without a greeting, e-mail addresses, phone numbers, and the names and addresses of these people.

    Parameters: `names`, as people wrote them; each word of them is taken out, where it begins with a capital.
    """
    for address in sorted(addresses, key=len, reverse=True):
        text = re.sub(re.escape(address), ADDRESS_LEFT_OUT, text, flags=re.IGNORECASE)
    text = _ADDRESS.sub(ADDRESS_LEFT_OUT, text)
    text = _NUMBER.sub(lambda found: found[0] if _DATES.fullmatch(found[0]) else NUMBER_LEFT_OUT, text)
    text = _GREETING.sub("", text)
    for name in names:
        text = _without_name(text, name)
    return text.strip()


def traces_of(text: str, names: Collection[str], addresses: Collection[str]) -> list[str]:
    """Return what of these people still stands in a text: addresses, and names in full."""
    folded = text.casefold()
    found = [one for one in addresses if one.casefold() in folded]
    return found + [name for name in names if len(name) > _SHORTEST_NAME and name.casefold() in folded]


def _without_name(text: str, name: str) -> str:
    words = [word for word in re.findall(r"\w[\w'’-]*", name) if len(word) >= _SHORTEST_NAME and word[0].isupper()]
    for said in sorted({name, *words}, key=len, reverse=True):
        if said.strip():
            text = re.sub(rf"(?<!\w){re.escape(said)}(?!\w)", NAME_LEFT_OUT, text)
    return re.sub(rf"(?:{re.escape(NAME_LEFT_OUT)}[ \t]*){{2,}}", f"{NAME_LEFT_OUT} ", text)
