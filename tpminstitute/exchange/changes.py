"""What a row would change about a contact, decided without writing: the dry run and the run ask the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tpminstitute.contacts.models import BackgroundSource, ConsentChange, ZoneSource
from tpminstitute.contacts.tags import MOST as MOST_TAGS
from tpminstitute.exchange.choices import Existing
from tpminstitute.exchange.fields import LABELS, Field
from tpminstitute.exchange.models import ProblemKind, RowOutcome
from tpminstitute.exchange.standing import Standing, Standings, moment
from tpminstitute.mail.models import SuppressionReason
from tpminstitute.mail.suppression import SENTENCES

COLUMNS_OF = {
    Field.NAME: ("name",),
    Field.PHONE: ("phone_typed", "phone_e164"),
    Field.TOPIC: ("topic",),
    Field.OWNER: ("owner_id",),
    Field.FIRST_SEEN: ("first_seen_at",),
    Field.TIME_ZONE: ("time_zone", "time_zone_source"),
    Field.BACKGROUND: ("background", "background_source"),
}
"""The columns of a contact in which each field is kept."""

UNSUBSCRIBED_HERE = "They unsubscribed here, so the consent in the file wasn't granted again."

SKIPPED = "They are a contact already, and you chose to leave those as they are."


@dataclass
class Change:
    """What becomes of a row: the contact's columns that are set, what is added to it, and what people should know.

    `was` holds the contact it changes, None for a new one.
    """

    was: Standing | None
    columns: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    addresses: list[tuple[str, str]] = field(default_factory=list)
    stage_id: int | None = None
    consent: tuple[str, str, str] | None = None
    unsubscribes: bool = False
    skipped: bool = False
    remarks: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> RowOutcome:
        """What is done with the row."""
        if self.was is None:
            return RowOutcome.ADDED
        if self.skipped:
            return RowOutcome.SKIPPED
        return RowOutcome.CHANGED if self.what else RowOutcome.SAME

    @property
    def what(self) -> list[str]:
        """What is changed, in the words of the headings."""
        named = [LABELS[one] for one, columns in COLUMNS_OF.items() if any(name in self.columns for name in columns)]
        added = (
            (Field.MORE_EMAIL, self.addresses),
            (Field.TAGS, self.tags),
            (Field.NOTE, self.notes),
            (Field.STAGE, self.stage_id is not None),
            (Field.CONSENT_AT, self.consent),
            (Field.OPTED_OUT, self.unsubscribes),
        )
        return named + [LABELS[one] for one, something in added if something]

    @property
    def kind(self) -> ProblemKind:
        """What its remarks mean for the row."""
        return ProblemKind.SKIPPED if self.skipped else ProblemKind.IN_PART


def decide(key: str, told: Mapping[str, Any], there: Standings, existing: Existing, tag: str) -> Change:
    """Return what becomes of a row.

    Parameters: `key` and `told`, its address and values; `there`, how those stand whom it may mean; `existing`, what
    happens to who is known; `tag`, the import's own, '' for none.
    """
    was = there.by_key.get(key)
    change = Change(was)
    if was is not None and existing is Existing.SKIP:
        change.skipped = True
        change.remarks.append(SKIPPED)
        return change
    _decide_columns(change, _columns(told), existing)
    if was is None:
        change.columns.setdefault("name", told["email"].partition("@")[0])
    _decide_tags(change, [*told.get("tags", ()), *([tag] if tag else ())])
    _decide_addresses(change, told, there)
    change.notes = [note for note in told.get("notes", ()) if was is None or note not in was.notes]
    _decide_stage(change, told.get("stage"), existing)
    _decide_mail(change, key, told, there)
    return change


def _columns(told: Mapping[str, Any]) -> dict[Field, tuple[Any, ...]]:
    """Return what a row says of the contact's own columns, by field."""
    found: dict[Field, tuple[Any, ...]] = {}
    for one in (Field.NAME, Field.TOPIC, Field.OWNER):
        if one.value in told:
            found[one] = (told[one.value],)
    if "phone" in told:
        found[Field.PHONE] = tuple(told["phone"])
    if "first_seen" in told:
        found[Field.FIRST_SEEN] = (moment(told["first_seen"]),)
    if "time_zone" in told:
        found[Field.TIME_ZONE] = (told["time_zone"][0], ZoneSource(told["time_zone"][1]))
    if Field.BACKGROUND.value in told:
        found[Field.BACKGROUND] = (told[Field.BACKGROUND.value], BackgroundSource.STAFF)
    return found


def _decide_columns(change: Change, said: Mapping[Field, tuple[Any, ...]], existing: Existing) -> None:
    for one, values in said.items():
        names = COLUMNS_OF[one]
        if change.was is None:
            change.columns |= dict(zip(names, values, strict=True))
            continue
        before = change.was.columns[names[0]]
        guessed = one is Field.TIME_ZONE and values[1] is ZoneSource.PHONE
        if before == values[0] or (before and (existing is Existing.FILL or guessed)):
            continue
        change.columns |= dict(zip(names, values, strict=True))


def _decide_tags(change: Change, tags: list[str]) -> None:
    there = set() if change.was is None else change.was.tags
    new = [tag for tag in dict.fromkeys(tags) if tag not in there]
    room = max(MOST_TAGS - len(there), 0)
    change.tags = new[:room]
    if new[room:]:
        left = ", ".join(f"“{tag}”" for tag in new[room:])
        change.remarks.append(f"A contact has {MOST_TAGS} tags at most, so these were left out: {left}.")


def _decide_addresses(change: Change, told: Mapping[str, Any], there: Standings) -> None:
    for further, address in told.get("more_email", ()):
        holder = there.by_key.get(further)
        if further in there.spoken_for:
            change.remarks.append(f"{address} stands in another row as well, and was left out of this one.")
        elif holder is None:
            there.spoken_for.add(further)
            change.addresses.append((further, address))
        elif change.was is None or holder.id != change.was.id:
            change.remarks.append(f"{address} belongs to another contact already, and was left out.")


def _decide_stage(change: Change, stage_id: int | None, existing: Existing) -> None:
    lead = None if change.was is None else change.was.lead
    if stage_id is None or (lead is not None and (existing is Existing.FILL or lead.stage_id == stage_id)):
        return
    change.stage_id = stage_id


def _decide_mail(change: Change, key: str, told: Mapping[str, Any], there: Standings) -> None:
    """Decide about consent and unsubscribing; nothing in a file opens an address or undoes an unsubscription."""
    closed = there.closed.get(key)
    said = None if change.was is None else change.was.consent
    if told.get("unsubscribed"):
        change.unsubscribes = closed is None or said is not ConsentChange.WITHDRAWN
        return
    if closed is not None:
        what = "no follow-ups go" if closed is SuppressionReason.OPT_OUT else "no mail goes"
        change.remarks.append(f"The address is closed: {SENTENCES[closed]} They are taken in, and {what} there.")
    if "consent" not in told or said is ConsentChange.GRANTED:
        return
    if said is ConsentChange.WITHDRAWN or closed is SuppressionReason.OPT_OUT:
        change.remarks.append(UNSUBSCRIBED_HERE)
        return
    change.consent = tuple(told["consent"])


def words_for(words: list[str]) -> str:
    """Return names of fields as a sentence begins with them."""
    return ", ".join([words[0], *(word[0].lower() + word[1:] for word in words[1:])])
