"""Importing: a dry run that changes nothing, a run that does what was seen, and the way back."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from tests.conftest import on_sqlite
from tests.factories import ADA, an_account, contact_of, count, submitted
from tests.rooms.brought import Importer
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.contacts import consent
from tpminstitute.contacts.models import Consent, ConsentChange, Contact, ContactAddress, ContactTag, Note, ZoneSource
from tpminstitute.contacts.tags import add_tag
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.exchange import imports, work
from tpminstitute.exchange.choices import Existing
from tpminstitute.exchange.fields import Field
from tpminstitute.exchange.forgetting import forget_in_files
from tpminstitute.exchange.imports import FORGOTTEN_DAYS, REVERT_DAYS, tidy_imports
from tpminstitute.exchange.leases import LEASE_SECONDS, take
from tpminstitute.exchange.models import Import, ImportProblem, ImportRow, ImportState
from tpminstitute.inbox.opt_out import opt_out
from tpminstitute.mail.models import Message, Suppression, SuppressionReason
from tpminstitute.mail.suppression import suppress
from tpminstitute.pipeline.models import Lead, Stage
from tpminstitute.privacy.erasing import erase
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.timeline.models import Activity, ActivityKind

GRACE = "grace@example.org"

SHEET = (
    "First name,Last name,E-mail,Further e-mail,Phone,Topic,Tags,Stage,Owner,Notes,First seen,Time zone,"
    "Where they stand\n"
    "Grace,Hopper,Grace@Example.org,g2@example.org,+1 215 430 2201,Courses,\"Spring, fair\",In conversation,"
    "alice@tpminstitute.org,Met her at the fair.,2024-03-01 10:00,Europe/Berlin,From engineering\n"
)  # fmt: skip


@pytest.fixture
def importer(db, settings):
    return Importer(db, settings)


def rows(db, model, **fields):
    with db.read() as session:
        return session.scalars(select(model).filter_by(**fields)).all()


def timeline(db, contact):
    return [
        (activity.kind, activity.sentence)
        for activity in rows(db, Activity, contact_id=contact.id)
        if activity.kind in (ActivityKind.CONTACT_IMPORTED, ActivityKind.IMPORT_REVERTED)
    ]


def stage(db, name):
    return rows(db, Stage, name=name)[0].id


# --- the run -----------------------------------------------------------------------------------------------


def test_everything_that_a_row_says_is_kept(db, importer):
    job = importer.run(SHEET)
    grace = contact_of(db, GRACE)
    assert (grace.name, grace.email, grace.phone_e164) == ("Grace Hopper", "Grace@example.org", "+12154302201")
    assert (grace.topic, grace.background, grace.owner_id) == ("courses", "engineering", importer.account_id)
    assert (grace.time_zone, grace.time_zone_source) == ("Europe/Berlin", ZoneSource.STAFF)
    assert grace.first_seen_at == datetime(2024, 3, 1, 15, 0, tzinfo=UTC)
    assert [row.email_key for row in rows(db, ContactAddress, contact_id=grace.id)] == ["g2@example.org"]
    assert {row.tag for row in rows(db, ContactTag, contact_id=grace.id)} == {"spring", "fair"}
    assert [row.body for row in rows(db, Note, contact_id=grace.id)] == ["Met her at the fair."]
    assert [row.stage_id for row in rows(db, Lead, contact_id=grace.id)] == [stage(db, "In conversation")]
    assert timeline(db, grace) == [(ActivityKind.CONTACT_IMPORTED, "Imported from “leads.csv”, line 2.")]
    assert (job.state, job.done) == (ImportState.DONE, {"added": 1})


def test_an_import_causes_no_mail_and_begins_no_follow_ups(db, importer):
    importer.run("Email,Agreed on\ngrace@example.org,2024-03-01\n", consent_wording="Yes.", consent_source="The fair.")
    assert (count(db, Message), count(db, Enrollment)) == (0, 0)


def test_the_dry_run_counts_and_changes_nothing(db, settings, importer):
    submitted(db, settings)
    before = contact_of(db)
    job = importer.job(importer.check(f"Email,Phone\n{GRACE},\n{ADA},+1 215 430 2201\nnobody,\n"))
    assert (job.state, job.rows) == (ImportState.CHECKED, 3)
    assert job.checked == {"added": 1, "changed": 1, "left_out": 1}
    assert count(db, Contact) == 1
    assert contact_of(db).phone_typed == before.phone_typed


def test_a_tag_for_all_is_put_on_all(db, settings, importer):
    submitted(db, settings)
    importer.run(f"Email\n{GRACE}\n{ADA}\n", tag="Spring Fair")
    assert [row.tag for row in rows(db, ContactTag)] == ["spring fair", "spring fair"]


@pytest.mark.parametrize(
    ("existing", "phone", "name", "outcome"),
    [
        (Existing.FILL, "+1 215 430 2201", "Ada Lovelace", "changed"),
        (Existing.OVERWRITE, "+1 215 430 2201", "Countess Lovelace", "changed"),
        (Existing.SKIP, "", "Ada Lovelace", "skipped"),
    ],
)
def test_what_happens_to_who_is_known_is_chosen(db, settings, importer, existing, phone, name, outcome):
    submitted(db, settings)
    job = importer.run(f"Name,Email,Phone\nCountess Lovelace,{ADA},+1 215 430 2201\n", existing=existing)
    ada = contact_of(db)
    assert (ada.phone_typed, ada.name) == (phone, name)
    assert job.done == {outcome: 1}
    assert ada.number == (1 if existing is Existing.SKIP else 2)


@on_sqlite
def test_a_further_address_means_the_same_contact(db, settings, importer):
    importer.run(SHEET)
    importer.run("Name,Email,Tags\nG. Hopper,g2@example.org,again\n")
    assert count(db, Contact) == 1
    assert {row.tag for row in rows(db, ContactTag)} == {"spring", "fair", "again"}


@on_sqlite
def test_what_has_nothing_new_changes_nothing(db, importer):
    importer.run(SHEET)
    before = count(db, Activity)
    assert importer.run(SHEET).done == {"same": 1}
    assert (count(db, Activity), count(db, Note)) == (before, 1)
    assert contact_of(db, GRACE).number == 1


def test_a_visitor_who_writes_while_it_runs_is_not_doubled(db, settings, importer):
    job_id = importer.check(f"Name,Email,Phone\nAda,{ADA},+1 215 430 2201\nGrace,{GRACE},\n")
    importer.begin(job_id)
    submitted(db, settings)
    importer.work(job_id)
    assert importer.job(job_id).done == {"added": 1, "changed": 1}
    assert contact_of(db).phone_e164 == "+12154302201"


def test_an_address_in_two_rows_counts_once_whichever_batch_it_stands_in(db, importer, monkeypatch):
    monkeypatch.setattr("tpminstitute.exchange.checking.BATCH", 2)
    monkeypatch.setattr("tpminstitute.exchange.batches.BATCH", 2)
    job = importer.run("Email,Further e-mail\na@x.org,c@x.org\nA@X.org,\nb@x.org,c@x.org\nc@x.org,\na@x.org,\n")
    assert job.done == {"added": 3}
    sentence = "Line 2 has the same address already, and the first counts."
    assert [row[:2] for row in importer.problems(job.id) if row[2] == sentence] == [(3, "left_out"), (6, "left_out")]
    assert count(db, ContactAddress) == 0


# --- what is wrong with rows -------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize(
    ("heading", "cell", "says"),
    [
        ("Further e-mail", "not an address", "“not an address” is no e-mail address, and was left out."),
        ("Phone", "12", "“12” has too few digits for a phone number, and was left out."),
        ("Stage", "Qualified", "There is no stage “Qualified”; there are “New”"),
        ("Topic", "Gardening", "There is no topic “Gardening”; there are"),
        ("Owner", "charlie@elsewhere.org", "Nobody at the desk is called “charlie@elsewhere.org”"),
        ("Where they stand", "On a hill", "There is no place on the path called “On a hill”"),
        ("Tags", "x" * 61, "A tag has 60 characters at most, and this one has 61. It was left out."),
        ("First seen", "yesterday", "“yesterday” is no date that can be read"),
        ("First seen", "2999-01-01", "lies in the future"),
        ("Time zone", "Atlantis", "“Atlantis” is no time zone"),
        ("Unsubscribed", "perhaps", "“perhaps” is neither yes nor no"),
        ("Agreed on", "2024-03-01", "No consent was granted: it has no wording and no source"),
        ("Agreed to these words", "Yes.", "No consent was granted: it has no date and no source"),
        ("Name", "N" * 201, "The name has more than 200 characters, and was cut."),
    ],
)
def test_a_cell_that_can_not_be_understood_is_left_out_and_told(db, importer, heading, cell, says):
    job = importer.run(f"Email,{heading}\n{GRACE},{cell}\n")
    ((line, kind, sentence),) = importer.problems(job.id)
    assert (line, kind) == (2, "in_part")
    assert says in sentence
    assert count(db, Contact) == 1


@on_sqlite
@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("", "There is no e-mail address in it"),
        ("ada@", "“ada@” is no e-mail address: one looks like name@example.org."),
        ("Ada Lovelace", "“Ada Lovelace” is no e-mail address"),
        ("\u202eada", "“⟨U+202E⟩ada” is no e-mail address"),
    ],
)
def test_a_row_without_an_address_is_left_out_and_told(importer, cell, says):
    job_id = importer.check(f"Name,Email\nAda,{cell}\nGrace,{GRACE}\n")
    ((line, kind, sentence),) = importer.problems(job_id)
    assert (line, kind) == (2, "left_out")
    assert says in sentence


@on_sqlite
@pytest.mark.parametrize(
    ("cell", "keys"),
    [
        ("Grace Hopper <Grace@Example.org>", ["grace@example.org"]),
        ("mailto:grace@example.org", ["grace@example.org"]),
        ('"grace@example.org; g2@example.org"', ["grace@example.org", "g2@example.org"]),
        ("grace@example.org ::: g2@example.org", ["grace@example.org", "g2@example.org"]),
    ],
)
def test_addresses_are_found_however_they_are_written(db, importer, cell, keys):
    importer.run(f"Email,Name\n{cell},Grace\n")
    found = [row.email_key for row in rows(db, Contact)] + [row.email_key for row in rows(db, ContactAddress)]
    assert found == keys


@on_sqlite
def test_a_closed_address_is_taken_in_and_told(db, importer):
    with db.write() as session:
        suppress(session, GRACE, SuppressionReason.HARD_BOUNCE)
    job = importer.run(f"Email\n{GRACE}\n")
    ((_, kind, sentence),) = importer.problems(job.id)
    assert (kind, count(db, Contact)) == ("in_part", 1)
    assert sentence.startswith("The address is closed: Mail to this address came back for good.")


@on_sqlite
def test_a_file_that_says_nothing_new_can_not_run(importer):
    job_id = importer.check("Email\nnobody\n")
    with pytest.raises(Refusal, match="None of the rows can be imported"):
        importer.begin(job_id)


@on_sqlite
def test_without_a_column_of_addresses_there_is_no_dry_run(importer):
    with pytest.raises(Refusal, match="Choose the column that holds the e-mail addresses"):
        importer.check("Name,Remark\nAda,x\n")


# --- consent, and leaving ----------------------------------------------------------------------------------

AGREED = f"Email,Agreed on,Agreed to these words,Agreed where\n{GRACE},2024-03-01,Write to me.,Fair in spring\n"


def test_a_consent_with_date_wording_and_source_is_granted(db, importer):
    importer.run(AGREED)
    (granted,) = rows(db, Consent)
    assert (granted.change, granted.wording, granted.source) == (
        ConsentChange.GRANTED,
        "Write to me.",
        "Fair in spring",
    )
    assert granted.at == datetime(2024, 3, 1, 5, 0, tzinfo=UTC)


@on_sqlite
def test_words_and_place_may_be_the_same_for_all(db, importer):
    sheet = f"Email,Agreed on\n{GRACE},2024-03-01\nbob@x.org,\n"
    importer.run(sheet, consent_wording="Write to me.", consent_source="The fair")
    assert [(row.wording, row.source) for row in rows(db, Consent)] == [("Write to me.", "The fair")]


def test_who_unsubscribed_here_stays_unsubscribed(db, settings, importer):
    submitted(db, settings, email=GRACE, consents=True)
    with db.write() as session:
        opt_out(session, session.scalars(select(Contact)).one())
    job = importer.run(AGREED)
    with db.read() as session:
        newest = consent.current(session, contact_of(db, GRACE).id)
    assert newest is not None
    assert newest.change is ConsentChange.WITHDRAWN
    assert "They unsubscribed here, so the consent in the file wasn't granted again." in importer.problems(job.id)[0][2]


def test_who_unsubscribed_elsewhere_gets_no_follow_ups_from_here_either(db, settings, importer):
    submitted(db, settings, consents=True)
    job = importer.run(f"Email,Unsubscribed from all email\n{ADA},true\n{GRACE},yes\nbob@x.org,false\n")
    assert {row.email_key: row.reason for row in rows(db, Suppression)} == dict.fromkeys(
        (ADA, GRACE), SuppressionReason.OPT_OUT
    )
    assert [run.status for run in rows(db, Enrollment)] == [EnrollmentStatus.STOPPED]
    importer.revert(job)
    assert count(db, Suppression) == 2


# --- stages ------------------------------------------------------------------------------------------------


def test_a_lead_is_moved_only_where_that_was_chosen_and_a_won_one_stops_the_follow_ups(db, settings, importer):
    submitted(db, settings, consents=True)
    sheet = f"Email,Stage\n{ADA},Enrolled\n"
    assert importer.run(sheet).done == {"same": 1}
    job = importer.run(sheet, existing=Existing.OVERWRITE)
    (lead,) = rows(db, Lead)
    assert (lead.stage_id, lead.closed_at is None) == (stage(db, "Enrolled"), False)
    assert [run.status for run in rows(db, Enrollment)] == [EnrollmentStatus.STOPPED]
    importer.revert(job)
    (lead,) = rows(db, Lead)
    assert (lead.stage_id, lead.closed_at) == (stage(db, "New"), None)


# --- the way back ------------------------------------------------------------------------------------------


def test_a_revert_removes_who_was_added_without_a_trace_but_in_the_audit_log(db, importer):
    job = importer.revert(importer.run(SHEET + "Bob,,bob@example.org,,,,,,,,,,\n", tag="fair"))
    assert (job.state, job.undone) == (ImportState.REVERTED, {"removed": 2})
    for model in (Contact, ContactAddress, ContactTag, Note, Lead, Activity, ImportRow):
        assert count(db, model) == 0
    assert [row.action for row in rows(db, AuditEntry)] == [
        "import_begun",
        "contacts_imported",
        "import_revert_begun",
        "import_reverted",
    ]


def test_a_revert_makes_changed_contacts_what_they_were(db, settings, importer):
    submitted(db, settings)
    before = contact_of(db)
    sheet = SHEET.replace("Grace@Example.org", ADA) + f"{AGREED.splitlines()[1].replace(GRACE, 'x')}\n"
    job = importer.run(sheet, existing=Existing.OVERWRITE)
    assert contact_of(db).name == "Grace Hopper"
    job = importer.revert(job)
    after = contact_of(db)
    for column in set(Contact.__table__.columns.keys()) - {"number"}:
        assert getattr(after, column) == getattr(before, column), column
    assert job.undone == {"restored": 1}
    assert (count(db, ContactTag), count(db, ContactAddress), count(db, Note)) == (0, 0, 0)
    assert [lead.stage_id for lead in rows(db, Lead)] == [stage(db, "New")]
    assert timeline(db, after)[-1][1] == "The import of “leads.csv” was reverted. What it changed is as it was."


def test_who_was_touched_since_stays_and_the_report_says_so(db, settings, importer):
    job = importer.run(f"Email\n{GRACE}\nbob@x.org\neve@x.org\n")
    submitted(db, settings, email=GRACE)
    with db.write() as session:
        add_tag(session, session.scalars(select(Contact.id).where(Contact.email_key == "bob@x.org")).one(), "vip", 1)
    job = importer.revert(job)
    assert job.undone == {"removed": 1, "kept": 2}
    assert {row.email_key for row in rows(db, Contact)} == {GRACE, "bob@x.org"}
    assert [(line, kind) for line, kind, _ in importer.problems(job.id)] == [(2, "skipped"), (3, "skipped")]
    assert "They stay: something happened with them since" in timeline(db, contact_of(db, GRACE))[-1][1]


def test_what_somebody_changed_since_stays_as_they_left_it(db, settings, importer):
    submitted(db, settings)
    job = importer.run(f"Name,Email,Phone,Tags\nCountess,{ADA},+1 215 430 2201,vip\n", existing=Existing.OVERWRITE)
    with db.write() as session:
        session.execute(update(Contact).values(name="Lady Lovelace"))
    job = importer.revert(job)
    assert (contact_of(db).name, contact_of(db).phone_typed) == ("Lady Lovelace", "")
    assert [sentence for _, _, sentence in importer.problems(job.id)] == [
        "Name stayed, since it was changed after the import."
    ]


def test_a_consent_that_nothing_began_on_goes_with_the_import(db, settings, importer):
    submitted(db, settings, email=GRACE)
    importer.revert(importer.run(AGREED))
    assert count(db, Consent) == 0


@on_sqlite
def test_a_later_import_that_changed_somebody_keeps_them(db, importer):
    first = importer.run(f"Email\n{GRACE}\n")
    second = importer.run(f"Email,Name,Phone\n{GRACE},,+1 215 430 2201\n")
    assert importer.revert(first).undone == {"kept": 1}
    assert importer.revert(second).undone == {"restored": 1}
    assert contact_of(db, GRACE).phone_typed == ""


# --- workers -----------------------------------------------------------------------------------------------


def test_two_workers_never_work_on_one_import(db, settings, importer):
    job_id = importer.bring(SHEET)
    with db.write() as session:
        job = session.get_one(Import, job_id)
        imports.choose(session, job, imports.look_at(importer.file(job)))
    held = take(db)
    assert held is not None
    assert take(db) is None
    with pytest.raises(Refusal, match="A worker of the service goes on with this import already"):
        importer.work(job_id)
    with clock.at(clock.now() + timedelta(seconds=LEASE_SECONDS + 1)):
        importer.work(job_id)
        assert importer.job(job_id).state is ImportState.CHECKED


@on_sqlite
def test_a_worker_takes_short_turns_and_asks_for_the_next(db, settings, importer, monkeypatch):
    monkeypatch.setattr(work, "TURN_SECONDS", 0.0)
    hints = []
    db.publisher = type("Hints", (), {"hint": lambda self, job: hints.append(job)})()
    job_id = importer.bring(SHEET)
    with db.write() as session:
        job = session.get_one(Import, job_id)
        imports.choose(session, job, imports.look_at(importer.file(job)))
    hints.clear()
    work.go_on_with_imports(db, settings)
    work.go_on_with_imports(db, settings)
    assert (importer.job(job_id).state, hints) == (ImportState.CHECKED, ["import"])


@on_sqlite
def test_a_file_that_is_gone_is_told(db, importer):
    job_id = importer.bring(SHEET)
    with db.write() as session:
        job = session.get_one(Import, job_id)
        imports.choose(session, job, imports.look_at(importer.file(job)))
    importer.file(importer.job(job_id)).unlink()
    with pytest.raises(Refusal, match="share DATA_DIR"):
        importer.work(job_id)
    assert importer.job(job_id).state is ImportState.CHOOSING


@on_sqlite
def test_a_stale_page_runs_nothing_twice(db, importer):
    job = importer.run(SHEET)
    with pytest.raises(Refusal, match="has gone on since the page was opened"):
        importer.begin(job.id)
    with pytest.raises(Refusal, match="was run already"), db.write() as session:
        imports.discard(session, importer.settings, session.get_one(Import, job.id), 1)


@on_sqlite
def test_columns_may_be_chosen_again_after_the_dry_run(db, importer):
    job_id = importer.check("Email,Who\ngrace@example.org,Grace\n")
    with db.write() as session:
        job = session.get_one(Import, job_id)
        imports.choose_again(session, job)
        found = imports.look_at(importer.file(job))
        imports.choose(session, job, type(found)(found.layout, (Field.EMAIL, Field.NAME)))
    importer.work(job_id)
    importer.begin(job_id)
    importer.work(job_id)
    assert contact_of(db, GRACE).name == "Grace"


# --- tidying -----------------------------------------------------------------------------------------------


@on_sqlite
def test_a_file_is_removed_when_its_import_runs(importer):
    assert not importer.file(importer.run(SHEET)).exists()


@on_sqlite
def test_what_nobody_goes_on_with_and_what_can_not_be_reverted_is_removed(db, settings, importer):
    forgotten, done = importer.job(importer.check(SHEET)), importer.run(AGREED)
    with clock.at(clock.now() + timedelta(days=FORGOTTEN_DAYS + 1)), db.write() as session:
        tidy_imports(session, settings)
    assert not importer.file(forgotten).exists()
    assert count(db, Import) == 1
    with clock.at(clock.now() + timedelta(days=REVERT_DAYS + 1)):
        with db.write() as session:
            tidy_imports(session, settings)
        with pytest.raises(Refusal, match="can be reverted for 30 days"):
            importer.revert(done)
    assert (count(db, ImportRow), count(db, ImportProblem), count(db, Contact)) == (0, 0, 1)


@on_sqlite
def test_a_colleague_may_own_who_is_imported_by_name(db, importer):
    with db.write() as session:
        bob = an_account(session, "Bob").id
    importer.run(f"Email,Contact owner\n{GRACE},Bob\n")
    assert contact_of(db, GRACE).owner_id == bob


# --- forgetting --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("letters", ["utf-8", "utf-16", "cp1252"])
def test_a_file_that_waits_and_names_somebody_is_forgotten(db, settings, importer, letters):
    named = importer.job(importer.bring("Name,Email\nÉmile,e@x.org\nAda,ADA@Example.org\n".encode(letters)))
    other = importer.job(importer.bring("Name,Email\nGrace,grace@example.org\n"))
    with db.write() as session:
        assert forget_in_files(session, settings, ["nobody@example.org", "ada@example.org"]) == 1
    assert (importer.file(named).exists(), importer.file(other).exists()) == (False, True)


@on_sqlite
def test_an_address_across_two_pieces_of_a_file_is_found(db, settings, importer, monkeypatch):
    monkeypatch.setattr("tpminstitute.exchange.forgetting.CHUNK", 7)
    job = importer.job(importer.bring("Name,Email\nAda,ada@example.org\n"))
    with db.write() as session:
        assert forget_in_files(session, settings, ["ada@example.org"]) == 1
    assert not importer.file(job).exists()


def test_who_was_erased_after_the_dry_run_is_not_imported(db, settings, importer):
    submitted(db, settings)
    job_id = importer.check(f"Name,Email\nAda,{ADA}\nGrace,{GRACE}\n")
    with db.write() as session:
        erase(session, contact_of(db).id, None)
        forget_in_files(session, settings, [ADA])
    importer.begin(job_id)
    importer.work(job_id)
    assert importer.job(job_id).done == {"added": 1}
    assert [contact.email for contact in rows(db, Contact) if contact.erased_at is None] == [GRACE]
