"""By what two contacts are alike: the same mailbox, phone or rare name, or a near name together with another hint.

Each contact has a few keys, numbers that those share who are alike in one thing, so that nobody is compared with
everybody. Who shares a key is then looked at closely.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tpminstitute.core.text import without_hidden

FREEMAIL = frozenset(
    (
        "gmail.com", "yahoo.com", "yahoo.co.uk", "yahoo.co.in", "yahoo.de", "yahoo.fr", "ymail.com", "outlook.com",
        "outlook.de", "outlook.fr", "hotmail.com", "hotmail.co.uk", "hotmail.de", "hotmail.fr", "live.com", "msn.com",
        "icloud.com", "me.com", "mac.com", "aol.com", "proton.me", "protonmail.com", "pm.me", "gmx.de", "gmx.net",
        "gmx.com", "gmx.at", "web.de", "t-online.de", "freenet.de", "mail.com", "mail.ru", "yandex.ru", "yandex.com",
        "qq.com", "163.com", "126.com", "naver.com", "daum.net", "rediffmail.com", "comcast.net", "verizon.net",
        "att.net", "sbcglobal.net", "cox.net", "charter.net", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net",
        "libero.it", "bluewin.ch", "zoho.com", "fastmail.com", "hey.com", "tutanota.com", "duck.com", "hushmail.com",
    )
)  # fmt: skip
"""Providers where anybody has a mailbox: sharing one says nothing."""

_SHARED_BOXES = frozenset(("info", "contact", "hello", "office", "mail", "admin", "hr", "team", "support", "me"))
"""Local parts that say nothing about who reads them."""

_GMAIL = frozenset(("gmail.com", "googlemail.com"))
_LAST_DIGITS = 7
_SHORTEST_LOCAL = 4

MAILBOX, PHONE, DIGITS, DOMAIN, LOCAL, NAME = "mailbox", "phone", "digits", "domain", "local", "name"
PROVED = "proved"
"""A hint that no comparing finds: one of the two said so, by a link that was mailed to the other's address."""

WORDS = {
    PROVED: "One of them asked for our mails at the other’s address, and reads mail there",
    MAILBOX: "Their addresses lead to the same mailbox",
    PHONE: "They gave the same phone number",
    DIGITS: "Their phone numbers end alike",
    DOMAIN: "They write from the same organisation",
    LOCAL: "Their addresses begin alike",
    NAME: "They have the same name, or nearly",
}
"""What each hint means, as staff read it."""

_STRENGTHS = {PROVED: 95, MAILBOX: 70, PHONE: 55, DIGITS: 25, DOMAIN: 20, LOCAL: 25}
_WITH_NAME = 30


@dataclass(frozen=True)
class Likeness:
    """What of a contact is compared: names as their words, mailboxes, phone numbers."""

    words: tuple[str, ...]
    mailboxes: frozenset[str]
    phone: str | None
    digits: str

    @property
    def domains(self) -> set[str]:
        """The organisations that they write from; a provider for everybody is none."""
        return {box.rpartition("@")[2] for box in self.mailboxes} - FREEMAIL

    @property
    def locals(self) -> set[str]:
        """What stands before the @, where it says something about who they are."""
        found = {box.rpartition("@")[0].replace(".", "") for box in self.mailboxes}
        return {local for local in found if len(local) >= _SHORTEST_LOCAL and local not in _SHARED_BOXES}


def likeness_of(name: str, email_keys: Iterable[str], phone_e164: str | None, phone_typed: str) -> Likeness:
    """Return what of a contact is compared with others."""
    digits = "".join(char for char in (phone_e164 or phone_typed) if char.isdigit() and char.isascii())
    last = digits[-_LAST_DIGITS:] if len(digits) >= _LAST_DIGITS else ""
    return Likeness(_words(name), frozenset(map(mailbox_of, email_keys)), phone_e164, last)


def mailbox_of(email_key: str) -> str:
    """Return the mailbox that an address leads to, as far as its way of writing tells.

    What follows a plus sign is the owner's own label (RFC 5233); Google ignores dots, and has two names.
    """
    local, _, domain = email_key.rpartition("@")
    plain = local.partition("+")[0] or local
    if domain in _GMAIL:
        return f"{plain.replace('.', '') or plain}@gmail.com"
    return f"{plain}@{domain}"


def keys_of(like: Likeness) -> set[int]:
    """Return a contact's keys; who shares none with them is not like them."""
    return {_number(text) for text in _key_texts(like)}


def name_key(like: Likeness) -> int:
    """Return the key that those share who have the same name, the words in any order."""
    return _number(_name_text(like))


def _name_text(like: Likeness) -> str:
    return f"name {' '.join(sorted(like.words))}"


def _key_texts(like: Likeness) -> Iterator[str]:
    yield from (f"mailbox {box}" for box in like.mailboxes)
    if like.phone:
        yield f"phone {like.phone}"
    if like.digits:
        yield f"digits {like.digits}"
    yield from (f"local {local}" for local in like.locals)
    initials = "".join(sorted(word[0] for word in like.words))
    if len(like.words) > 1:
        yield _name_text(like)
    for domain in like.domains:
        yield f"domain {domain} {initials}"
        yield from (f"domain {domain} {word}" for word in like.words if len(word) > 1)


def hints(one: Likeness, other: Likeness, *, rare_name: bool) -> list[str]:
    """Return by what two contacts are alike, the strongest first; none when they seem to be two people.

    The same mailbox or phone is enough, and so is the same name if it is a rare one (`rare_name`). Everything else
    needs a near name beside it, so that two colleagues, or two people with a frequent name, are no pair.
    """
    named = near_names(one.words, other.words)
    found = []
    if one.mailboxes & other.mailboxes:
        found.append(MAILBOX)
    if one.phone and one.phone == other.phone:
        found.append(PHONE)
    if named:
        if one.digits and one.digits == other.digits and PHONE not in found:
            found.append(DIGITS)
        if one.locals & other.locals and MAILBOX not in found:
            found.append(LOCAL)
        if one.domains & other.domains and MAILBOX not in found:
            found.append(DOMAIN)
    alone = rare_name and sorted(one.words) == sorted(other.words)
    return [*found, NAME] if named and (found or alone) else found


def strength(found: Iterable[str]) -> int:
    """Return how likely two contacts are one person by their hints, from 1 to 100: to order pairs, no probability."""
    known = list(found)
    whole = sum(_STRENGTHS.get(hint, 0) for hint in known) + (_WITH_NAME if NAME in known else 0)
    return max(1, min(whole, 100))


def near_names(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether two names may be one: the same words in any order, one letter mistyped, or an initial for a word.

    A single word counts only if it is the same: “Ann” and “Anna” are two people.
    """
    if not one or not other:
        return False
    if sorted(one) == sorted(other):
        return True
    if len(one) < 2 or len(other) < 2:
        return False
    shorter, longer = sorted((sorted(one), sorted(other)), key=len)
    if len(shorter) == len(longer):
        return _one_typo(" ".join(shorter), " ".join(longer)) or _initials_fit(shorter, longer)
    return len(longer) - len(shorter) == 1 and set(shorter) < set(longer)


def _initials_fit(one: list[str], other: list[str]) -> bool:
    different = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    return len(different) == 1 and min(map(len, different[0])) == 1 and different[0][0][0] == different[0][1][0]


def _one_typo(one: str, other: str) -> bool:
    """Return whether one letter added, lost, replaced or swapped with its neighbour makes `other` of `one`."""
    if abs(len(one) - len(other)) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest, others = one[at:], other[at:]
    swapped = rest[:2][::-1] == others[:2] and rest[2:] == others[2:]
    return swapped or rest[1:] == others[1:] or rest[1:] == others or rest == others[1:]


def _words(name: str) -> tuple[str, ...]:
    """Return the words of a name without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", without_hidden(name)).casefold()
    letters = "".join(char if char.isalnum() else " " for char in plain if not unicodedata.combining(char))
    return tuple(letters.split())[:8]


def _number(text: str) -> int:
    """Return a text as a number of 63 bits: two texts may share one, so a key alone proves nothing."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
