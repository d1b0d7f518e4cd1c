"""What a letter itself shows: its words, its web addresses, the name and the address of whoever sent it."""

import re
from collections.abc import Iterable, Iterator, Sequence

from tpminstitute.core.text import one_line
from tpminstitute.screening import addresses, links, phrases, points
from tpminstitute.screening.folding import Folded, plain
from tpminstitute.screening.points import Reason

_FEW_WORDS = 12
_MANY_WORDS = 40
"""From here on a text has enough words to say that it shouts."""

_SAMPLE = 30
"""Words that are looked at for whether they can be said."""

_ODD_DOTS = 4
_LONGEST_RUN = 6
"""Consonants in a row: more than any language has in more than a word or two."""

_CONSONANTS = re.compile(rf"[bcdfghjklmnpqrstvwxz]{{{_LONGEST_RUN},}}")
_LATIN_WORD = re.compile(r"[a-z]{6,}")
_CASE_CHANGES = re.compile(r"(?<=[a-z])[A-Z]")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_WALLET = re.compile(
    r"\b(?:bc1[a-z0-9]{25,60}|[13][1-9A-HJ-NP-Za-km-z]{30,34}|0x[0-9a-fA-F]{40}|T[1-9A-HJ-NP-Za-km-z]{33})\b"
)
_SPACELESS = re.compile("[\u0590-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff]")


def reasons(name: str, email: str, text: str, folded: Folded) -> list[Reason]:
    """Return what speaks against a letter in its content, and for it.

    Parameters: `name`, `email` and `text`, as they were typed; `folded`, the text folded.
    """
    hosts = links.hosts_in(text)
    against = [
        *_in_the_name(name),
        *_in_the_address(email),
        *_in_the_links(text, hosts, folded),
        *_in_the_writing(text, folded),
        *_in_the_phrases(text, folded, hosts),
    ]
    return [*against, *_for_it(text, folded)] if against else []


def _in_the_name(name: str) -> Iterator[Reason]:
    if links.holds_link(name):
        yield points.ADDRESS_IN_NAME.found()
    elif links.holds_host(name):
        yield points.HOST_IN_NAME.found()
    elif len(_CASE_CHANGES.findall(name)) >= 3 or _CONSONANTS.search(plain(name)):
        yield points.ODD_NAME.found()


def _in_the_address(email: str) -> Iterator[Reason]:
    local, _, domain = email.rpartition("@")
    if addresses.is_disposable(domain):
        yield points.DISPOSABLE.found(domain)
    if local.count(".") >= _ODD_DOTS:
        yield points.DOTTED.found()


def _in_the_links(text: str, hosts: Sequence[str], folded: Folded) -> Iterator[Reason]:
    if links.MARKUP.search(text):
        yield points.MARKUP.found()
    counted = links.foreign(hosts)
    found = points.step(points.LINKS, len(counted))
    if found is not None:
        yield found
    if counted and len(folded.words) <= _FEW_WORDS:
        yield points.BARE_LINK.found()
    for sign, odd in (
        (points.SHORTENED, links.shortened(hosts)),
        (points.CHEAP_DOMAIN, links.cheap(hosts)),
        (points.NUMBER_HOST, links.bare_numbers(hosts)),
        (points.LOOKALIKE_HOST, links.lookalikes(hosts)),
    ):
        if odd:
            yield sign.found(_named(odd))


def _in_the_writing(text: str, folded: Folded) -> Iterator[Reason]:
    if folded.hidden >= 3:
        yield points.HIDDEN.found()
    if folded.mixed >= 2:
        yield points.MIXED_SCRIPT.found()
    if _WALLET.search(text):
        yield points.WALLET.found()
    if text.count("!") + len(_EMOJI.findall(text)) >= 6:
        yield points.EXCITED.found()
    if len(folded.words) >= _MANY_WORDS and _capitals(text) > 0.7:
        yield points.SHOUTING.found()
    sample = folded.words[:_SAMPLE]
    if 2 * sum(_cannot_be_said(word) for word in sample if _LATIN_WORD.fullmatch(word)) > max(len(sample), 1):
        yield points.GIBBERISH.found()


def _in_the_phrases(text: str, folded: Folded, hosts: Sequence[str]) -> Iterator[Reason]:
    found: dict[str, list[str]] = {}
    for phrase in folded.phrases_of(phrases.KIND_OF, phrases.FIRST_WORDS):
        found.setdefault(phrases.KIND_OF[phrase], []).append(phrase)
    for phrase in _without_spaces(text, phrases.WITHOUT_SPACES):
        found.setdefault(phrases.WITHOUT_SPACES[phrase], []).append(phrase)
    for kind, named in found.items():
        yield points.KINDS[kind].found(_longest(named))
    if found and links.foreign(hosts):
        yield points.LINK_BESIDE.found()


def _without_spaces(text: str, known: Iterable[str]) -> list[str]:
    """Return the `known` phrases anywhere in a text whose script sets no spaces, or joins words to others."""
    if not _SPACELESS.search(text):
        return []
    whole = plain(text)
    return [phrase for phrase in known if phrase in whole]


def _for_it(text: str, folded: Folded) -> Iterator[Reason]:
    ours = folded.phrases_of(phrases.OUR_FIELD, phrases.FIRST_WORDS)
    ours = _longest([*ours, *_without_spaces(text, phrases.OUR_FIELD_WITHOUT_SPACES)])
    if ours:
        each, at_most, sentence = points.OUR_FIELD
        yield Reason(max(each * len(ours), at_most), sentence.format(", ".join(ours[: points.MOST_SHOWN])))


def _longest(found: Sequence[str]) -> list[str]:
    """Return the phrases that aren't part of a longer one that was found, too."""
    return [phrase for phrase in found if not any(_is_part(phrase, other) for other in found if other != phrase)]


def _is_part(phrase: str, other: str) -> bool:
    return phrase in other if not phrase.isascii() else f" {phrase} " in f" {other} "


def _cannot_be_said(word: str) -> bool:
    vowels = sum(letter in "aeiouy" for letter in word)
    return bool(_CONSONANTS.search(word)) or vowels * 6 < len(word)


def _capitals(text: str) -> float:
    upper, lower = sum(map(str.isupper, text)), sum(map(str.islower, text))
    return upper / max(upper + lower, 1)


def _named(hosts: Sequence[str]) -> str:
    return one_line(", ".join(dict.fromkeys(hosts[: points.MOST_SHOWN])), 120)
