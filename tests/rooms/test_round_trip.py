"""What was exported is brought back without loss, in every format, into another database."""

import shutil

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import an_account, count, submitted
from tests.rooms.brought import Importer
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.tags import add_tag
from tpminstitute.core.db import Database
from tpminstitute.exchange.choices import from_json
from tpminstitute.exchange.fields import EXPORTED, Field
from tpminstitute.exchange.selection import BATCH, Selection, batches
from tpminstitute.exchange.writing import Format, write
from tpminstitute.inbox.opt_out import opt_out

AWKWARD = r'''name,email,more_email,phone,topic,tags,stage,owner,notes,first_seen,time_zone,background,consent_at,consent_wording,consent_source
=cmd|' /C calc'!A0,ada@example.org,"a2@example.org, a3@example.org",+49 30 901820,courses,"""a,b"", c; d|e",New,alice@tpminstitute.org,"=1+1
with two lines, a ""quote"" and ; signs

-----

A second note\with a backslash",2024-03-01T10:00:00+00:00,Europe/Berlin,engineering,2024-03-01T10:00:00+00:00,"Yes, write to me; please.",The fair
''apostrophes,o'hara@example.org,,,,,Lost,,,2020-01-01T00:00:00.123456+00:00,,,,,
"Zoë Müller, 山田 太郎 🙂 and a name that is so long that no line of a vCard can hold it at once",zoe@münchen.example,,(215) 430-2201,,,,,,,,,,,
'''  # noqa: E501


@pytest.fixture
def second(settings, tmp_path, _sqlite_template):
    """Alice's second service, empty and on another database."""
    path = tmp_path / "second.db"
    shutil.copyfile(_sqlite_template, path)
    db = Database(f"sqlite:///{path}")
    yield Importer(db, settings)
    db.close()


def exported(db, form):
    return "".join(write(form, batches(db, Selection(), EXPORTED), EXPORTED))


@on_sqlite
@pytest.mark.parametrize("form", list(Format))
def test_a_round_trip_loses_nothing(db, settings, second, form):
    importer = Importer(db, settings)
    job = importer.run(AWKWARD)
    assert importer.problems(job.id) == []
    assert count(db, Contact) == 3
    with db.write() as session:
        submitted_id = session.scalars(select(Contact.id).where(Contact.email_key == "o'hara@example.org")).one()
        opt_out(session, session.get_one(Contact, submitted_id))
    content = exported(db, form)
    assert second.account_id
    job = second.run(content)
    assert second.problems(job.id) == []
    assert [field for field in from_json(job.choices).columns if field] != []
    assert told(second.db) == told(db)
    assert exported(second.db, form) == content


def told(db):
    return [values for batch in batches(db, Selection(), EXPORTED) for values in batch]


def test_an_export_says_what_is_known_of_a_visitor(db, settings):
    submitted(db, settings, consents=True, phone=("020 7946 0958", "+442079460958"), time_zone="Europe/London")
    with db.write() as session:
        add_tag(session, session.scalars(select(Contact.id)).one(), "vip", an_account(session).id)
    (ada,) = told(db)
    assert ada[Field.PHONE] == "+442079460958"
    assert (ada[Field.TOPIC], ada[Field.STAGE]) == ("Becoming a technical program manager", "New")
    assert (ada[Field.TAGS], ada[Field.TIME_ZONE], ada[Field.OPTED_OUT]) == (["vip"], "Europe/London", False)
    assert ada[Field.CONSENT_WORDING].startswith("Yes, TPM Institute may")


def test_an_export_reads_in_batches_and_each_contact_once(db, settings):
    Importer(db, settings).run("email\n" + "".join(f"p{n}@example.org\n" for n in range(BATCH + 2)))
    sizes = [len(batch) for batch in batches(db, Selection(), (Field.EMAIL,))]
    assert sizes == [BATCH, 2]


@on_sqlite
def test_a_vcard_can_not_be_broken_open_by_what_somebody_typed(db, settings):
    submitted(db, settings, name="Eve\nEMAIL:evil@example.org\r\nEND:VCARD;,\\")
    card = exported(db, Format.VCARD)
    assert card.count("EMAIL") == 3  # two of them inside the name
    assert card.split("\r\n")[2].startswith("FN:Eve\\nEMAIL:evil@example.org\\nEND:VCARD\\;\\,\\\\")
    assert all(len(line.encode()) <= 75 for line in card.split("\r\n"))
