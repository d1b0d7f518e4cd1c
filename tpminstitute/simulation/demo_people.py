"""Invented people and what happened with them, as rows of the tables: the same for the same seed, number and day."""

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tpminstitute.contacts.consent import CURRENT_WORDING
from tpminstitute.contacts.name_keys import name_key
from tpminstitute.contacts.topics import SHIPPED, Topic
from tpminstitute.core.tokens import ALPHABET, PUBLIC_ID_LENGTH
from tpminstitute.screening import points
from tpminstitute.simulation import demo_words as words

Row = tuple[Any, ...]

TABLES: dict[str, str] = {
    "contacts": "id public_id email email_key name phone_typed phone_e164 first_seen_at time_zone time_zone_source "
    "owner_id number",
    "consents": "id contact_id change wording_version wording source at",
    "inquiries": "id public_id form_key contact_id consent_id name email phone_typed phone_e164 topic message state "
    "suspicions score source_page source_referrer received_at followed_through_at",
    "leads": "id contact_id stage_id opened_at closed_at",
    "lead_endings": "lead_id lost_reason_id course_date_id course note",
    "conversations": "contact_id turn since",
    "enrollments": "id contact_id sequence_id version_id cause status reason topic next_position next_due_at "
    "started_at ended_at",
    "contact_tags": "contact_id tag account_id at",
    "notes": "id contact_id account_id body at number",
    "messages": "id kind contact_id cause dedupe_key message_id sender recipient recipient_key recipient_domain "
    "subject content status reason due_at created_at attempts sent_at despite_closed",
    "activities": "id contact_id at kind actor account_id sentence",
}
"""The tables that are filled, each after what it refers to, and their columns."""

DAYS = 1_100
"""Over how many days before today they came."""

FEWEST_FACTS = 5
"""Facts on each timeline, at least."""

TOPICS = tuple(Topic)
TOPIC_WEIGHTS = (30, 14, 16, 6, 8, 18, 8)
PAGES = ("/", "/", "/", "/contact", "/courses", "/guide/experience")


@dataclass(frozen=True)
class House:
    """What stands before anybody comes: staff, the stages (open ones first, then won, lost), plans, who sends mail.

    `plans` are pairs of a sequence's id and its version's, with how many steps it has.
    """

    staff: Sequence[int]
    open_stages: Sequence[int]
    won_stages: Sequence[int]
    lost_stages: Sequence[int]
    lost_reasons: Sequence[int]
    plans: Sequence[tuple[int, int, int]]
    sender: str
    mail_share: float


@dataclass
class Ids:
    """The last id that each table gave away."""

    last: dict[str, int]

    def next(self, table: str) -> int:
        """Return the next id of a table."""
        self.last[table] += 1
        return self.last[table]


@dataclass
class People:
    """Makes people; `rows` gathers what they left behind until somebody takes it."""

    house: House
    ids: Ids
    seed: int
    today: datetime
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def taken(self) -> dict[str, list[Row]]:
        """Return the rows that were gathered, once."""
        rows, self.rows = self.rows, defaultdict(list)
        return rows

    def add(self, number: int) -> None:
        """Let the person of that number live through their history."""
        _Life(self, number, random.Random(f"{self.seed}/{number}")).live()


class _Life:
    """One person's history: what happens is written down as rows, in the order of time."""

    def __init__(self, people: People, number: int, dice: random.Random) -> None:
        self.people, self.dice, self.number = people, dice, number
        self.id = people.ids.next("contacts")
        first, last = dice.choice(words.FIRST_NAMES), dice.choice(words.LAST_NAMES)
        self.name = f"{first} {last}"
        domain = f"{dice.choice(words.COMPANIES)}.example" if dice.random() < 0.3 else dice.choice(words.PROVIDERS)
        left = name_key(f"{first}.{last}").replace("'", "")
        self.email = f"{left}{number}@{domain}"
        self.phone = f"+1215555{dice.randint(0, 9999):04d}" if dice.random() < 0.4 else None
        self.owner = dice.choice(people.house.staff) if dice.random() < 0.4 else None
        self.staff = self.owner or dice.choice(people.house.staff)
        age = DAYS * dice.random() ** 1.5
        self.now = self.first_seen = people.today - timedelta(days=age, seconds=dice.randint(0, 80_000))
        self.facts = 0
        self.topic = dice.choices(TOPICS, TOPIC_WEIGHTS)[0]

    def live(self) -> None:
        drawn = self.dice.random()
        if drawn < 0.01:
            self._inquire("suspected")
        elif drawn < 0.18:
            self._fact("contact_imported", f"Came with the list “Fair {self.first_seen:%Y}”.", self.staff)
            self._go_on(0.25)
        elif drawn < 0.22:
            self._fact("contact_added", "Added by hand.", self.staff)
            self._go_on(0.5)
        else:
            self._write()
        self._contact()

    def _write(self) -> None:
        for turn in range(self.dice.choices((1, 2, 3, 6), (84, 12, 3, 1))[0]):
            self._pass(hours=24 * 90 if turn else 0)
            self._inquire("open")
        self._go_on(0.75)

    def _go_on(self, likely: float) -> None:
        """Let staff and the follow-ups do what they do, and let time pass on the timeline."""
        dice, turn = self.dice, "nobody"
        if dice.random() < likely:
            self._pass(hours=30)
            turn = "visitor"
            self._reply()
            if dice.random() < 0.4:
                self._pass(hours=200)
                self._fact("reply_received", "Wrote a mail: “Re: Your inquiry”.", actor="visitor")
                turn = "institute" if dice.random() < 0.05 else "visitor"
        elif likely == 0.75:
            turn = "institute" if dice.random() < 0.15 else "nobody"
        self._lead()
        self._follow_ups()
        self._say_more()
        while self.facts < FEWEST_FACTS:
            self._pass(hours=72)
            self._fact("mail_sent", "A follow-up went out: “Questions worth asking”.")
        self._row("conversations", self.id, turn, self._at())

    def _inquire(self, state: str) -> None:
        dice, at = self.dice, self._at()
        consent_id = None
        page = "mail" if dice.random() < 0.08 else dice.choice(PAGES)
        if state == "open" and page != "mail" and dice.random() < 0.6:
            consent_id = self._id("consents")
            wording = CURRENT_WORDING
            source = f"contact form at {page}"
            self._row("consents", consent_id, self.id, "granted", wording.version, wording.text, source, at)
        inquiry_id = self._id("inquiries")
        answered = "handled" if state == "open" and dice.random() < 0.93 else state
        reached = (self.name, self.email, self.phone or "", self.phone)
        message = self._message()
        trapped = [points.TRAP.found()] if state != "open" else []
        weighed = (json.dumps([reason.told for reason in trapped]), sum(reason.points for reason in trapped))
        about = (self.topic.value, message, answered, *weighed)
        came = (page, "", at, at if state == "open" else None)
        keys = (inquiry_id, self._public_id(), f"demo-{inquiry_id}", self.id, consent_id)
        self._row("inquiries", *keys, *reached, *about, *came)
        self._fact("inquiry_received", f"Sent an inquiry: {SHIPPED.label(self.topic)}.", actor="visitor")
        if consent_id is not None:
            self._fact("consent_granted", "Agreed to be followed up by e-mail.", actor="visitor")
        if state != "open":
            self._fact("inquiry_suspected", f"An inquiry was set apart by screening. {trapped[0].told}")
            return
        if dice.random() < self.people.house.mail_share:
            self._acknowledge(inquiry_id)

    def _acknowledge(self, inquiry_id: int) -> None:
        subject, cause = "Thank you for writing to us", f"inquiry:{inquiry_id}"
        said = f"Hello {self.name},\r\n\r\nthank you for writing. A person reads your message and answers you."
        self._mail("acknowledgement", cause, f"{cause}:ack", subject, said)
        self._fact("mail_sent", f"The acknowledgement went out: “{subject}”.")

    def _reply(self) -> None:
        """Let somebody answer. Of many people most replies have lost their text, as retention takes it."""
        subject, key = "Re: Your inquiry", f"reply:demo-{self.id}"
        said = f"Hello {self.name},\r\n\r\nthank you for your message. Shall we talk about it on the phone this week?"
        has_text = self.dice.random() < self.people.house.mail_share
        self._mail("reply", f"contact:{self.id}", key, subject, said if has_text else "")
        self._fact("staff_replied", f"Answered: “{subject}”.", self.staff)

    def _mail(self, kind: str, cause: str, key: str, subject: str, said: str) -> None:
        """Write a mail that went out; without `said` only its row."""
        sender, message_id, at = self.people.house.sender, self._id("messages"), self._at()
        own = f"<demo-{message_id}@tpm.example>"
        head = f"From: {sender}\r\nTo: {self.email}\r\nSubject: {subject}\r\nMessage-ID: {own}\r\n"
        content = f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{said}\r\n".encode() if said else b""
        who = (sender, self.email, self.email, self.email.partition("@")[2])
        keys = (message_id, kind, self.id, cause, key, own)
        self._row("messages", *keys, *who, subject, content, "sent", "", at, at, 1, at, False)

    def _lead(self) -> None:
        house, dice = self.people.house, self.dice
        self._fact("lead_opened", "A lead was opened.")
        outcome = dice.choices(("open", "won", "lost"), (62, 13, 25))[0]
        stages = {"open": house.open_stages, "won": house.won_stages, "lost": house.lost_stages}[outcome]
        opened = self._at()
        closed: str | None = None
        if outcome != "open":
            self._pass(hours=24 * 40)
            closed = self._at()
            self._fact("lead_moved", "Moved the lead.", self.staff)
        lead_id = self._id("leads")
        self._row("leads", lead_id, self.id, dice.choice(stages), opened, closed)
        if outcome != "open":
            reason = dice.choice(house.lost_reasons) if outcome == "lost" else None
            self._row("lead_endings", lead_id, reason, None, "" if reason else SHIPPED.label(self.topic), "")

    def _follow_ups(self) -> None:
        if not self.people.house.plans or self.dice.random() > 0.35:
            return
        sequence_id, version_id, steps = self.dice.choice(self.people.house.plans)
        began = self._at()
        status = self.dice.choices(("active", "finished", "stopped"), (20, 60, 20))[0]
        due = self._text(self.people.today + timedelta(days=self.dice.randint(2, 30)))
        due_at, ended_at = (due, None) if status == "active" else (None, began)
        reason = "They answered." if status == "stopped" else ""
        place = self.dice.randint(1, steps) if status == "active" else steps
        keys = (self._id("enrollments"), self.id, sequence_id, version_id, "demo")
        self._row("enrollments", *keys, status, reason, SHIPPED.label(self.topic), place, due_at, began, ended_at)
        self._fact("enrolled", "The follow-ups started.")

    def _say_more(self) -> None:
        dice = self.dice
        if dice.random() < 0.04:
            self._row("consents", self._id("consents"), self.id, "withdrawn", "", "", "link in a mail", self._at())
            self._fact("consent_withdrawn", "Unsubscribed by the link in a mail.", actor="visitor")
        for tag, of_a_hundred in words.TAGS:
            if dice.random() * 100 < of_a_hundred:
                self._row("contact_tags", self.id, tag, self.staff, self._at())
        if dice.random() < 0.15:
            self._pass(hours=300)
            note = dice.choice(words.NOTES)
            self._row("notes", self._id("notes"), self.id, self.staff, note, self._at(), 1)
            self._fact("note_added", "Wrote a note.", self.staff)

    def _contact(self) -> None:
        zone = ("America/New_York", "browser") if self.dice.random() < 0.5 else (None, None)
        who = (self.id, self._public_id(), self.email, self.email, self.name, self.phone or "", self.phone)
        self._row("contacts", *who, self._text(self.first_seen), *zone, self.owner, 1)

    def _message(self) -> str:
        dice = self.dice
        chosen = dice.sample(words.SENTENCES, dice.randint(1, 4))
        return " ".join(chosen).format(years=dice.randint(2, 19), city=dice.choice(words.CITIES))

    def _pass(self, hours: float) -> None:
        """Let up to so many hours go by, but never past today."""
        left = (self.people.today - self.now).total_seconds()
        self.now += timedelta(seconds=self.dice.random() * min(hours * 3600, left))

    def _fact(self, kind: str, sentence: str, staff: int | None = None, actor: str = "system") -> None:
        self.facts += 1
        who = "staff" if staff is not None else actor
        self._row("activities", self._id("activities"), self.id, self._at(), kind, who, staff, sentence)

    def _public_id(self) -> str:
        bits = self.dice.getrandbits(100)
        return "".join(ALPHABET[bits >> 5 * place & 31] for place in range(PUBLIC_ID_LENGTH))

    def _at(self) -> str:
        return self._text(self.now)

    @staticmethod
    def _text(moment: datetime) -> str:
        return moment.replace(tzinfo=None).isoformat(" ", "microseconds")

    def _id(self, table: str) -> int:
        return self.people.ids.next(table)

    def _row(self, table: str, *values: Any) -> None:
        self.people.rows[table].append(values)
