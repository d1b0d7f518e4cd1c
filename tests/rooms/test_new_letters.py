"""Letters that staff add: named, then written, then sent by a sequence; one without a text stands in nobody's way."""

import re
import threading

import pytest
from sqlalchemy import insert, select

from tests.factories import an_account, contact_of, submitted
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.core.errors import Refusal
from tpminstitute.core.own_keys import LONGEST, own_keys
from tpminstitute.doctor.checks_letters import check_letters
from tpminstitute.doctor.findings import Outcome
from tpminstitute.mail.drafts import ALLOWED, OF_PATHWAY, DraftError, allowed_in
from tpminstitute.mail.letters import LetterError, LetterSource
from tpminstitute.mail.models import Template
from tpminstitute.mail.templates import (
    add_template,
    current_source,
    current_subjects,
    newest_version,
    restore,
    save_version,
    template_of,
    templates,
    versions_of,
    why_unsendable,
)
from tpminstitute.sequences.models import Enrollment, SequenceStep
from tpminstitute.sequences.queries import runs_of

TEXT = LetterSource("Welcome back, {first_name}", "About {topic}", "{greeting}\n\n[The guide]({guide_url}).\n")


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


@pytest.fixture
def add(db, alice):
    """`add(name)`: Alice adds a letter, whose key is given back."""

    def add(name="Welcome back"):
        with db.write() as session:
            return add_template(session, name, alice).key

    return add


def test_a_new_letter_gets_a_key_from_its_name_and_waits_for_its_text(db, add):
    key = add("  Welcome\nback! ")
    assert key == "own-welcome-back"
    with db.read() as session:
        assert templates(session)[-1].name == "Welcome back!"
        assert (newest_version(session, key).number, newest_version(session, key).written) == (0, False)
        assert [version.author for version in versions_of(session, key)] == ["Not written yet"]
        assert why_unsendable(session, key) == "This letter has no text yet."
        with pytest.raises(LetterError, match=r"no text yet\. Nothing was sent\. Write it in /staff/templates/own-"):
            current_source(session, key)


def test_a_new_letter_is_written_like_any_other(db, add, alice):
    key = add()
    with db.write() as session:
        assert save_version(session, key, TEXT, based_on=0, account_id=alice) == 1
    with db.read() as session:
        assert current_source(session, key) == TEXT
        assert current_subjects(session)[key] == TEXT.subject
        assert why_unsendable(session, key) == ""


def test_a_new_letter_is_about_no_chapter_and_has_no_reference(db, add, alice):
    key = add()
    assert set(allowed_in(key)) == {"greeting", "first_name", "topic", "guide_url", *OF_PATHWAY}
    with db.write() as session, pytest.raises(DraftError, match=r"\{chapter\}.*\{reference\}"):
        save_version(session, key, LetterSource("s", "p", "{chapter} {reference}"), based_on=0, account_id=alice)


def test_nobody_goes_back_to_no_text(db, add, alice):
    key = add()
    with db.write() as session:
        save_version(session, key, TEXT, based_on=0, account_id=alice)
    with db.write() as session, pytest.raises(DraftError, match="Write the subject"):
        restore(session, key, 0, based_on=1, account_id=alice)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "Write a name"),
        (" \u200b\n", "Write a name"),
        ("n" * 81, "it has 81 characters, and 80"),
        ("acknowledgement", "There is a letter “acknowledgement” already"),
    ],
)
def test_a_name_that_is_empty_too_long_or_taken_is_refused(add, name, says):
    with pytest.raises(Refusal, match=says):
        add(name)


def test_names_that_look_alike_as_keys_get_different_ones(add):
    assert [add("Welcome back"), add("Welcome, back"), add("ようこそ"), add("欢迎")] == [
        "own-welcome-back",
        "own-welcome-back-2",
        "own-without-a-plain-name",
        "own-without-a-plain-name-2",
    ]


def test_two_who_add_alike_names_at_once_get_two_letters(db, add):
    start, keys = threading.Barrier(2), []

    def write(name):
        start.wait()
        keys.append(add(name))

    both = [threading.Thread(target=write, args=(name,)) for name in ("One more", "One, more")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(keys) == ["own-one-more", "own-one-more-2"]


def test_a_key_is_short_and_plain_however_long_and_strange_the_name():
    for name in ("ü" * 80, "…", "a" * 80, "DROP TABLE; --", "new", "x" * 55 + " y z"):
        keys = own_keys(name)
        for key in (next(keys), next(keys)):
            assert len(key) <= LONGEST
            assert re.fullmatch(r"own(-[a-z0-9]+)+", key), key


def test_adding_a_letter_is_in_the_audit_log(db, add, alice):
    add()
    with db.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "template_added")).one()
        assert (entry.account_id, entry.subject) == (alice, "own-welcome-back, “Welcome back”")


def test_the_doctor_leaves_a_letter_without_a_text_alone(db, settings, add):
    add()
    (finding,) = check_letters(db, settings)
    assert (finding.outcome, finding.says) == (Outcome.OK, f"All {len(ALLOWED)} can be sent.")


@pytest.mark.parametrize("key", ["own-nothing-yet", "a-file-that-is-gone"])
def test_a_step_whose_letter_has_no_text_is_shown_by_the_letters_name(db, settings, key):
    submitted(db, settings, consents=True)
    step = {"position": 9, "number": 9, "wait_amount": 1, "wait_unit": "days", "days": "12345", "topics": []}
    with db.write() as session:
        session.execute(insert(Template).values(key=key, name="Nothing yet"))
        version_id = session.scalars(select(Enrollment.version_id)).one()
        opening = {"opens_minute": 540, "closes_minute": 1020, "conditions": []}
        session.execute(insert(SequenceStep).values(version_id=version_id, letter_key=key, **step, **opening))
    with db.read() as session:
        (run,) = runs_of(session, settings, contact_of(db).id)
        assert run.to_come[-1].subject == "Nothing yet"
        assert (template_of(session, key) is not None) is key.startswith("own-")
        assert "Nothing yet" in current_subjects(session).values()
        assert why_unsendable(session, key)
