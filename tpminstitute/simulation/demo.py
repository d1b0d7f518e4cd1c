"""Fill a database with invented people and their histories, for looking, trying out and measuring.

Nobody can get a mail by it: every invented address is under a name that exists nowhere, and a database that holds
anybody else is refused.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import insert, not_, or_, select, text
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account, Role
from tpminstitute.accounts.service import add_account
from tpminstitute.contacts import cards
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.mail import control
from tpminstitute.merging.models import UncomparedContact
from tpminstitute.pipeline import lead_triggers
from tpminstitute.pipeline.endings import lost_reasons
from tpminstitute.pipeline.models import Outcome
from tpminstitute.pipeline.service import stages
from tpminstitute.sequences.models import Sequence
from tpminstitute.sequences.versions import newest_version, steps_of
from tpminstitute.simulation.demo_people import TABLES, House, Ids, People
from tpminstitute.simulation.demo_words import STAFF
from tpminstitute.simulation.demo_writer import keep_counting, know, last_ids, unburdened, write

INVENTED = ("%@example.org", "%@example.com", "%@example.net", "%.example")
"""Addresses that can't exist (RFC 2606)."""

AT_ONCE = 5_000
"""People whose rows are held in memory."""

FEW = 20_000
"""Up to so many people each inquiry has its acknowledgement; of more, one in `SHARE` does."""

SHARE = 1 / 16

HELD = "The people in this database are invented."

DEMO_EMAIL = "demo@tpm.example"


@dataclass(frozen=True)
class Demo:
    """How many people are invented, by which seed."""

    contacts: int
    seed: int


def expect_invented(session: Session) -> None:
    """Refuse a database that holds anybody who isn't invented."""
    real = select(Contact.id).where(not_(or_(*(Contact.email_key.like(pattern) for pattern in INVENTED)))).limit(1)
    if session.scalar(real) is not None:
        raise Refusal(
            "This database holds real contacts, and invented people must not get among them. Nothing was written. "
            "Set DATA_DIR or DATABASE_URL to a new place."
        )


def fill(db: Database, settings: Settings, demo: Demo, written: Callable[[int], None]) -> None:
    """Write the invented people in one transaction, and tell the database to look at its tables anew.

    Parameters: `written` is told how many more were written.
    Raises `Refusal`, and writes nothing, where somebody in it is real.
    """
    with db.write() as session:
        expect_invented(session)
        house = _house(session, settings, demo)
        if not settings.mail_is_caught and not control.control(session).held:
            control.hold(session, HELD, None)
        last = last_ids(session, TABLES)
        today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        people = People(house, Ids(last), demo.seed, today)
        first = last["contacts"] + 1
        with unburdened(session, list(TABLES)):
            for start in range(first, first + demo.contacts, AT_ONCE):
                numbers = range(start, min(start + AT_ONCE, first + demo.contacts))
                for number in numbers:
                    people.add(number)
                write(session, TABLES, people.taken())
                written(len(numbers))
        keep_counting(session, last)
        know(session, TABLES)
        with unburdened(session, ["contact_cards", "lead_cards"]):
            cards.rebuild(session)
            lead_triggers.rebuild(session)
        ids = select(Contact.id).where(Contact.id >= first)
        session.execute(insert(UncomparedContact).from_select(["contact_id"], ids))
    look_anew(db)


def add_demo_account(session: Session, password_hash: str) -> None:
    """Add the account by which one looks around, or give it another password."""
    account = session.scalar(select(Account).where(Account.email == DEMO_EMAIL))
    if account is None:
        add_account(session, name="Demo", email=DEMO_EMAIL, password_hash=password_hash, role=Role.ADMINISTRATOR)
    else:
        account.password = password_hash


def _house(session: Session, settings: Settings, demo: Demo) -> House:
    by_outcome = {outcome: [stage.id for stage in stages(session) if stage.outcome is outcome] for outcome in Outcome}
    return House(
        staff=[_staff_member(session, name) for name in STAFF],
        open_stages=by_outcome[Outcome.OPEN],
        won_stages=by_outcome[Outcome.WON],
        lost_stages=by_outcome[Outcome.LOST],
        lost_reasons=[reason.id for reason in lost_reasons(session)],
        plans=_plans(session),
        sender=settings.mail_from,
        mail_share=1 if demo.contacts <= FEW else SHARE,
    )


def _staff_member(session: Session, name: str) -> int:
    email = f"{name.partition(' ')[0].lower()}@tpm.example"
    known = session.scalar(select(Account.id).where(Account.email == email))
    # Nothing hashes to this, so nobody signs in by it.
    return known or add_account(session, name=name, email=email, password_hash="-", role=Role.ADVISOR).id


def _plans(session: Session) -> list[tuple[int, int, int]]:
    found = []
    for sequence in session.scalars(select(Sequence).where(Sequence.archived_at.is_(None)).order_by(Sequence.id)):
        version_id = newest_version(session, sequence.id)
        steps = len(steps_of(session, version_id))
        if steps:
            found.append((sequence.id, version_id, steps))
    return found


def look_anew(db: Database) -> None:
    """Renew what the planner knows; PostgreSQL also notes which pages everybody sees, so that an index is enough.

    SQLite takes the full-text index's own tables for large, whatever it counted: when they are counted small and then
    grow, it walks through the whole of them each time it merges.
    """
    if not db.is_sqlite:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM (ANALYZE)"))
        return
    with closing(db.engine.raw_connection()) as raw:
        for statement in (
            "PRAGMA analysis_limit = 1000",
            "ANALYZE",
            "UPDATE sqlite_stat1 SET stat = '1000000' WHERE tbl GLOB 'search_*_index_data'",
            "ANALYZE sqlite_schema",  # reads that (sqlite.org/lang_analyze.html)
            "PRAGMA wal_checkpoint(TRUNCATE)",
        ):
            raw.driver_connection.execute(statement).close()  # type: ignore[union-attr]
