"""What a row says about a contact, read with care: what can't be understood is left out and said, never guessed."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tpminstitute.contacts.identity import AddressError, EmailAddress, read_email, read_phone
from tpminstitute.contacts.models import ZoneSource
from tpminstitute.contacts.tags import normal as normal_tag
from tpminstitute.contacts.time_zones import find_zone, read_zone
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line, visible
from tpminstitute.exchange.choices import Choices
from tpminstitute.exchange.dates import read_date
from tpminstitute.exchange.fields import Field
from tpminstitute.exchange.known import Known
from tpminstitute.exchange.records import MANY, split_many

LONGEST_NAME = 200
LONGEST_PHONE = 60
LONGEST_SOURCE = 200
LONGEST_NOTE = 100_000

NOTE_LINE = "-----"
"""Between the notes of a cell that holds several; it stands on a line of its own."""

_YES = frozenset(
    ("yes", "y", "true", "t", "1", "x", "on", "ja", "j", "oui", "o", "si", "sí", "sì", "s", "sim", "da", "tak", "wahr",
     "vrai", "verdadero", "vero", "unsubscribed")
)  # fmt: skip
_NO = frozenset(
    ("no", "n", "false", "f", "0", "off", "nein", "non", "não", "nao", "niet", "nee", "nie", "falsch", "faux", "falso",
     "subscribed")
)  # fmt: skip
_IN_BRACKETS = re.compile(r"<([^<>]+)>")
_BETWEEN_ADDRESSES = re.compile(r"[,;|\s\x01]+|:::")


@dataclass
class Told:
    """What a row tells: the contact's key and values, or the `fault` for which it is left out, and remarks."""

    key: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    fault: str = ""
    remarks: list[str] = field(default_factory=list)


class RowReader:
    """Reads rows by what somebody chose; made once for a file."""

    def __init__(self, choices: Choices, known: Known, zone: ZoneInfo, now: datetime) -> None:
        """Parameters: `known`, what the names in a row may mean; `zone`, whose clock times are by; `now`."""
        self._choices, self._known, self._zone, self._now = choices, known, zone, now
        self._columns = {one: choices.columns_of(one) for one in Field}
        self._readers: tuple[Callable[[Sequence[str], Told], None], ...] = (
            self._names,
            self._phones,
            self._named,
            self._tags,
            self._moments,
            self._notes,
            self._consent,
        )

    def read(self, cells: Sequence[str]) -> Told:
        """Return what a row tells."""
        told = Told()
        self._addresses(cells, told)
        if not told.fault:
            for reads in self._readers:
                reads(cells, told)
        return told

    def _cells(self, cells: Sequence[str], which: Field) -> list[str]:
        found = (cells[at].strip() for at in self._columns[which] if at < len(cells))
        return [cell for cell in found if cell.strip(MANY)]

    def _first(self, cells: Sequence[str], which: Field) -> str:
        found = self._cells(cells, which)
        return (split_many(found[0]) or [""])[0] if found and found[0].startswith(MANY) else (found or [""])[0]

    def _addresses(self, cells: Sequence[str], told: Told) -> None:
        typed = [one for cell in self._cells(cells, Field.EMAIL) for one in addresses_in(cell)]
        more = [one for cell in self._cells(cells, Field.MORE_EMAIL) for one in addresses_in(cell)]
        if not typed and not more:
            told.fault = "There is no e-mail address in it, and contacts are told apart by theirs."
            return
        main, *others = typed + more
        address = _address(main)
        if address is None:
            told.fault = f"{_quoted(main)} is no e-mail address: one looks like name@example.org."
            return
        told.key, told.values["email"] = address.key, address.address
        read = {address.key: address.address}
        for other in others:
            further = _address(other)
            if further is None:
                told.remarks.append(f"{_quoted(other)} is no e-mail address, and was left out.")
            else:
                read.setdefault(further.key, further.address)
        del read[address.key]
        if read:
            told.values["more_email"] = [[key, address] for key, address in read.items()]

    def _names(self, cells: Sequence[str], told: Told) -> None:
        whole = self._first(cells, Field.NAME)
        parts = [*self._cells(cells, Field.FIRST_NAME), *self._cells(cells, Field.LAST_NAME)]
        name = " ".join((whole or " ".join(parts)).split())
        if len(name) > LONGEST_NAME:
            told.remarks.append(f"The name has more than {LONGEST_NAME} characters, and was cut.")
            name = one_line(name, LONGEST_NAME)
        if name:
            told.values["name"] = name

    def _phones(self, cells: Sequence[str], told: Told) -> None:
        typed = [
            one.strip()
            for cell in self._cells(cells, Field.PHONE)
            for one in (split_many(cell) if cell.startswith(MANY) else cell.split(":::"))
            if one.strip()
        ]
        taken = []
        for one in dict.fromkeys(" ".join(typed_one.split()) for typed_one in typed):
            try:
                taken.append((one, read_phone(one[:LONGEST_PHONE])))
            except AddressError:
                told.remarks.append(f"{_quoted(one)} has too few digits for a phone number, and was left out.")
        if taken:
            told.values["phone"] = [taken[0][0][:LONGEST_PHONE], taken[0][1]]
        if taken[1:]:
            told.values["notes"] = ["Further phone: " + ", ".join(one for one, _ in taken[1:])]

    def _named(self, cells: Sequence[str], told: Told) -> None:
        """Read what is one of a list: topic, stage, owner, where they stand."""
        for which, names in self._known.names.items():
            typed = self._first(cells, which)
            if not typed:
                continue
            found = names.get(" ".join(typed.casefold().split()))
            if found is None:
                told.remarks.append(f"{self._known.unknown(which, _quoted(typed))} The row is imported without it.")
            else:
                told.values[which.value] = found

    def _tags(self, cells: Sequence[str], told: Told) -> None:
        tags: dict[str, None] = {}
        for cell in self._cells(cells, Field.TAGS):
            for typed in split_many(cell.replace(":::", ",")):
                try:
                    tags[normal_tag(typed.removeprefix("* "))] = None
                except Refusal as refusal:
                    told.remarks.append(f"{str(refusal).removesuffix(' Nothing was changed.')} It was left out.")
        if tags:
            told.values["tags"] = list(tags)

    def _moments(self, cells: Sequence[str], told: Told) -> None:
        typed = self._first(cells, Field.FIRST_SEEN)
        if typed:
            seen = self._past(typed, told)
            if seen is not None:
                told.values["first_seen"] = seen.isoformat()
        zone = self._first(cells, Field.TIME_ZONE)
        phone = told.values.get("phone")
        if zone:
            try:
                told.values["time_zone"] = [read_zone(zone.replace("_slash_", "/")), ZoneSource.STAFF]
            except Refusal:
                told.remarks.append(f"{_quoted(zone)} is no time zone such as Europe/Berlin, and was left out.")
        elif phone and phone[1]:
            found = find_zone("", phone[1])
            if found is not None:
                told.values["time_zone"] = [found.name, found.source]

    def _past(self, typed: str, told: Told) -> datetime | None:
        moment = read_date(typed, self._choices.day_first, self._zone)
        if moment is None:
            told.remarks.append(f"{_quoted(typed)} is no date that can be read, and was left out.")
        elif moment > self._now:
            told.remarks.append(f"{_quoted(typed)} lies in the future, and was left out.")
            return None
        return moment

    def _notes(self, cells: Sequence[str], told: Told) -> None:
        columns = [at for at in self._columns[Field.NOTE] if at < len(cells) and cells[at].strip(MANY).strip()]
        notes = list(told.values.get("notes", []))
        for at in columns:
            cell = cells[at]
            several = cell.split(MANY) if cell.startswith(MANY) else re.split(rf"\n+{NOTE_LINE}\n+", cell)
            heading = f"{self._choices.layout.headings[at]}: " if len(self._columns[Field.NOTE]) > 1 else ""
            notes += [f"{heading}{one.strip()}"[:LONGEST_NOTE] for one in several if one.strip()]
        if notes:
            told.values["notes"] = notes

    def _consent(self, cells: Sequence[str], told: Told) -> None:
        out = self._first(cells, Field.OPTED_OUT).casefold()
        if out in _YES:
            told.values["unsubscribed"] = True
        elif out and out not in _NO:
            told.remarks.append(f"{_quoted(out)} is neither yes nor no, so whether they unsubscribed isn't known.")
        typed = self._first(cells, Field.CONSENT_AT)
        wording = self._first(cells, Field.CONSENT_WORDING) or (self._choices.consent_wording if typed else "")
        source = self._first(cells, Field.CONSENT_SOURCE) or (self._choices.consent_source if typed else "")
        if not (typed or wording) or out in _YES:
            return
        missing = [what for what, said in (("date", typed), ("wording", wording), ("source", source)) if not said]
        if missing:
            lacks = " and no ".join(missing)
            told.remarks.append(f"No consent was granted: it has no {lacks}, and a consent needs all three.")
            return
        at = self._past(typed, told)
        if at is not None:
            told.values["consent"] = [at.isoformat(), wording, one_line(source, LONGEST_SOURCE)]


def addresses_in(cell: str) -> list[str]:
    """Return what may be addresses in a cell: ``Ada <ada@example.org>``, or several with a sign between them."""
    bracketed = _IN_BRACKETS.findall(cell)
    words = bracketed or [word for word in _BETWEEN_ADDRESSES.split(cell) if word]
    with_at = [word for word in words if "@" in word]
    return [word.strip().removeprefix("mailto:") for word in with_at] or [cell.strip(MANY)]


def _address(typed: str) -> EmailAddress | None:
    try:
        return read_email(typed)
    except AddressError:
        return None


def _quoted(text: str) -> str:
    return f"“{one_line(visible(text), 80)}”"
