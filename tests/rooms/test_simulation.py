"""A year of invented traffic: the same for a seed, however it is shared, and looked over by rules of its own."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, text, update

from tests.conftest import on_sqlite
from tests.factories import ADA, an_account, submitted
from tests.rooms.trials import Step, planned
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message, MessageKind, Suppression
from tpminstitute.sequences.enrolling import begin_by_hand
from tpminstitute.sequences.models import Enrollment, Holiday, Sequence
from tpminstitute.sequences.runner import run_due
from tpminstitute.simulation.audit import broken_rules
from tpminstitute.simulation.passing import Nowhere
from tpminstitute.simulation.report import as_text
from tpminstitute.simulation.totals import Totals
from tpminstitute.simulation.year import Year, simulate

RUN = "contact_id, sequence_id, version_id, cause, status, reason, topic, next_position, started_at, ended_at"
MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def lived(db, settings, **fields):
    values: dict[str, Any] = {"contacts": 10, "days": 25, "seed": 7, "begins": MONDAY} | fields
    parts: list[float] = []
    totals = simulate(db, settings, Year(**values), 1, parts.append)
    assert sum(parts) == pytest.approx(1)
    return totals


@on_sqlite
def test_the_same_seed_is_the_same_year_and_no_rule_is_broken(db, settings):
    totals = lived(db, settings)
    assert totals.mails[MessageKind.FOLLOW_UP] > 10
    assert sum(totals.days.values()) == sum(totals.mails.values())
    assert totals.broken == 0
    assert lived(db, settings) == totals


@on_sqlite
def test_another_seed_is_another_year(db, settings):
    assert lived(db, settings, contacts=4, days=10) != lived(db, settings, contacts=4, days=10, seed=8)


@on_sqlite
def test_nothing_is_simulated_when_nothing_is_switched_on(db, settings):
    with db.write() as session:
        session.execute(update(Sequence).values(active=False))
    with pytest.raises(Refusal, match="Try them all with --all"):
        lived(db, settings)
    assert lived(db, settings, contacts=2, days=10, all_sequences=True).runs


@on_sqlite
def test_what_came_of_it_is_told_in_a_page(db, settings):
    page = as_text(lived(db, settings), MONDAY.date(), 25)
    assert page.startswith("Mails sent: ")
    assert "Mails a day: median" in page
    assert page.endswith("Broken rules: none")


def test_broken_rules_are_counted_and_the_first_are_told():
    totals = Totals()
    for _ in range(2):
        totals.add(Totals(broken=15, rules=["Run 1 sent its mails out of their order."] * 15))
    lines = as_text(totals, MONDAY.date(), 1).splitlines()
    assert "Broken rules: 30" in lines
    assert lines[-1] == "  … and 10 more"


# --- the rules of its own ------------------------------------------------------------------------------------


@pytest.fixture
def lived_through(db, settings):
    """Ada's three weeks with three mails, on working days from nine to five, as they should be."""
    sequence_id = planned(db, Step(3), Step(3), Step(3), active=True)
    with clock.at(MONDAY):
        submitted(db, settings, consents=True)
        with db.write() as session:
            session.execute(delete(Enrollment))
            sequence = session.get_one(Sequence, sequence_id)
            account_id = an_account(session).id
            begin_by_hand(session, settings, 1, "Courses", sequence, account_id)
    for day in range(21):
        with clock.at(MONDAY + timedelta(days=day, hours=6)):
            run_due(db, settings)
            deliver(db, Nowhere(), settings)
    return db


def found(db, settings, day=21):
    with db.read() as session:
        return list(broken_rules(session, settings, MONDAY + timedelta(days=day)))


def sent(number, moment):
    key = Message.dedupe_key.endswith(f":step:{number}")
    return update(Message).where(key).values(sent_at=MONDAY + moment)


@on_sqlite
def test_what_is_as_it_should_be_breaks_no_rule(lived_through, settings):
    assert not found(lived_through, settings)


@on_sqlite
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            [sent(1, timedelta(days=3, hours=16))],
            "Mail 1 of run 2 went out at Thu 4 Mar 2027 20:00",
        ),
        ([sent(1, timedelta(days=5, hours=6))], "outside its window"),
        ([insert(Holiday).values(day=date(2027, 3, 4), name="A holiday")], "went out on 4 Mar 2027, a holiday"),
        ([sent(2, timedelta(days=4, hours=6))], "Mail 2 of run 2 went out before its wait was over"),
        ([sent(1, timedelta(days=1, hours=6))], "Mail 1 of run 2 went out before its wait was over"),
        ([sent(3, timedelta(days=2, hours=6))], "Run 2 sent its mails out of their order"),
        (
            [update(Enrollment).values(status="stopped", reason="Stopped.", ended_at=MONDAY + timedelta(days=5))],
            "went out after its follow-ups were stopped",
        ),
        (
            [insert(Suppression).values(email_key=ADA, reason="opt_out", note="", at=MONDAY + timedelta(days=5))],
            "went to an address that was closed",
        ),
        (
            [update(Enrollment).values(status="active", next_due_at=MONDAY + timedelta(days=9), ended_at=None)],
            "Run 2 was due and nobody looked at it",
        ),
        (
            [update(Message).where(Message.id == 1).values(status="queued", sent_at=None)],
            "Mail 1 was due and nobody sent it",
        ),
        (
            [
                text(f"INSERT INTO enrollments (id, {RUN}) SELECT 9, {RUN} FROM enrollments"),
                update(Message)
                .where(Message.dedupe_key == "enrollment:2:step:2")
                .values(dedupe_key="enrollment:9:step:1"),
            ],
            "Mail 1 of run 9 had gone to the person before",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_broken_rule_is_found(lived_through, settings, fault, sentence):
    with lived_through.write() as session:
        for statement in fault:
            session.execute(statement)
    assert any(sentence in rule for rule in found(lived_through, settings))


@on_sqlite
def test_more_mails_than_the_most_are_found(lived_through, settings):
    strict = settings.model_copy(update={"follow_up_most": 1})
    assert any("one automatic mail too many" in rule for rule in found(lived_through, strict))
