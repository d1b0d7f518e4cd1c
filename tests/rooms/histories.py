"""Random histories of contacts, made of what the service really does; the same for the same dice."""

import random
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from tests.factories import contact_of, messages, submitted
from tests.rooms.came import a_bounce, a_mail, came
from tests.rooms.post import Post
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact, Note
from tpminstitute.contacts.service import by_address, locked
from tpminstitute.contacts.tags import add_tag
from tpminstitute.contacts.time_zones import set_time_zone
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Base, Database
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import calls, opt_out
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.inbox.models import Topic
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageKind, SuppressionReason
from tpminstitute.mail.suppression import suppress
from tpminstitute.pipeline.endings import Ending, lost_reasons
from tpminstitute.pipeline.models import Outcome
from tpminstitute.pipeline.service import lead_of, move_lead, stages
from tpminstitute.sequences.runner import run_due
from tpminstitute.sequences.wishes import Wish, wish

Rows = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


class History:
    """Lets things happen to people, drawn by dice."""

    def __init__(self, db: Database, settings: Settings, alice: Account, seed: int) -> None:
        self.db, self.settings, self.alice, self.dice = db, settings, alice, random.Random(seed)

    def live(self, email: str, events: int) -> None:
        """Let somebody write first, and then so many things happen to them."""
        self.inquire(email)
        happenings: list[Callable[[str], None]] = [
            self.inquire, self.mail, self.mail, self.answer, self.call, self.note, self.tag, self.move, self.leave,
            self.wish, self.bounce, self.send, self.tick, self.complain, self.live_elsewhere,
        ]  # fmt: skip
        for _ in range(events):
            self.dice.choice(happenings)(email)

    def inquire(self, email: str) -> None:
        submitted(
            self.db, self.settings, email=email, consents=self.dice.random() < 0.7,
            name=self.dice.choice(["Ada Lovelace", "Ada L.", "A. Lovelace"]),
            phone=self.dice.choice([("", None), ("+1 215 430 2201", "+12154302201")]),
            topic=self.dice.choice(list(Topic)), message=f"Question {self.dice.random()}?",
        )  # fmt: skip

    def mail(self, email: str) -> None:
        came(self.db, self.settings, a_mail(sender=f"Ada <{email}>", text=f"Word {self.dice.random()}."))

    def answer(self, email: str) -> None:
        with self.db.write() as session:
            contact = locked(session, self.id_of(email))
            answer = Answer(f"key-{self.dice.random()}", f"Answer {self.dice.random()}.", self.alice)
            try:
                reply(session, self.settings, contact, answer)
            except Refusal:
                session.rollback()

    def call(self, email: str) -> None:
        with self.db.write() as session:
            contact = locked(session, self.id_of(email))
            calls.note_call(session, self.settings, contact, self.alice, f"Said {self.dice.random()}.")

    def note(self, email: str) -> None:
        body = f"Note {self.dice.random()}"
        with self.db.write() as session:
            session.add(Note(contact_id=self.id_of(email), account_id=self.alice.id, body=body, at=clock.now()))

    def tag(self, email: str) -> None:
        with self.db.write() as session:
            add_tag(session, self.id_of(email), self.dice.choice(["spring", "autumn", "pmp"]), self.alice.id)

    def move(self, email: str) -> None:
        with self.db.write() as session:
            lead = lead_of(session, self.id_of(email))
            if lead is not None:
                try:
                    stage = self.dice.choice(stages(session))
                    reason = self.dice.choice(lost_reasons(session)).id if stage.outcome is Outcome.LOST else None
                    ending = Ending(reason, course="PMP in spring" if stage.outcome is Outcome.WON else "")
                    move_lead(session, lead.id, stage.id, self.alice.id, ending)
                except Refusal:
                    session.rollback()

    def leave(self, email: str) -> None:
        if self.dice.random() < 0.3:
            with self.db.write() as session:
                opt_out.opt_out(session, contact_of(self.db, self.main_of(email)))

    def wish(self, email: str) -> None:
        with self.db.write() as session:
            contact = locked(session, self.id_of(email))
            if not opt_out.stays_away(session, contact):
                wish(session, self.settings, contact, self.dice.choice(list(Wish)))

    def bounce(self, email: str) -> None:
        sent = [one for one in messages(self.db, recipient_key=email) if one.kind is not MessageKind.NOTICE]
        if sent and self.dice.random() < 0.3:
            came(self.db, self.settings, a_bounce(sent[-1]))

    def complain(self, email: str) -> None:
        if self.dice.random() < 0.1:
            with self.db.write() as session:
                suppress(session, email, SuppressionReason.COMPLAINT)

    def live_elsewhere(self, email: str) -> None:
        with self.db.write() as session:
            place = self.dice.choice(["Europe/Berlin", "Asia/Tokyo"])
            contact = session.get_one(Contact, self.id_of(email))
            set_time_zone(session, contact.id, place, self.alice.id, instead_of=contact.time_zone)

    def send(self, _: str) -> None:
        deliver(self.db, Post(), self.settings)

    def tick(self, _: str) -> None:
        run_due(self.db, self.settings)

    def id_of(self, email: str) -> int:
        """The contact who has an address, their own or a further one."""
        with self.db.read() as session:
            found = by_address(session, email)
            assert found is not None
            return found.id

    def main_of(self, email: str) -> str:
        with self.db.read() as session:
            return session.get_one(Contact, self.id_of(email)).email_key


def every_row(db: Database) -> Rows:
    """Every row of every table, by its table and key."""
    rows: Rows = {}
    with db.read() as session:
        for table in Base.metadata.sorted_tables:
            keys = [column.name for column in table.primary_key]
            found = [dict(row) for row in session.execute(select(table)).mappings()]
            rows[table.name] = {tuple(row[name] for name in keys): row for row in found}
    return rows
