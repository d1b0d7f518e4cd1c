"""Letters that staff edit: checked on save, kept as versions, and sent from then on."""

import re
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.factories import ADA, an_account, contact_of, messages, store_letter, submitted
from tests.rooms.post import Post
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.guide.chapters import load_guide
from tpminstitute.inbox import service
from tpminstitute.inbox.models import Inquiry
from tpminstitute.inbox.previews import MADE_UP, READERS, letter_for, newest_readers, reader_of, send_test
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.differences import Change, difference
from tpminstitute.mail.drafts import ALLOWED, BODY_LIMIT, DraftError, problems_of, tidy
from tpminstitute.mail.letters import LetterError, LetterSource, letter_sources
from tpminstitute.mail.models import MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppress
from tpminstitute.mail.templates import (
    StaleVersion,
    current_source,
    current_subjects,
    restore,
    save_version,
    templates,
    versions_of,
)
from tpminstitute.mail.variables import CHAPTERS
from tpminstitute.sequences.models import Enrollment
from tpminstitute.sequences.queries import runs_of, uses_of_letters
from tpminstitute.sequences.runner import run_due
from tpminstitute.timeline.queries import timeline_of

KEY = "acknowledgement"
DRAFT = LetterSource("We have it, {first_name}", "Kept as {reference}.", "{greeting}\n\nYour topic is {topic}.\n")


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


@pytest.fixture
def save(db, alice):
    """`save(draft)`: Alice saves a version on top of the newest one, whose number is given back."""

    def save(source=DRAFT, key=KEY, based_on=None, account=alice):
        with db.write() as session:
            base = versions_of(session, key)[0].number if based_on is None else based_on
            return save_version(session, key, source, based_on=base, account_id=account.id)

    return save


def sentences(body, key=KEY, **parts):
    fields = {"subject": "s", "preheader": "p", **parts}
    return [problem.sentence for problem in problems_of(key, tidy(fields["subject"], fields["preheader"], body))]


# --- what may be edited ------------------------------------------------------------------------------------


def test_every_letter_of_the_house_can_be_edited_and_no_other(db):
    with db.read() as session:
        assert {template.key for template in templates(session)} == set(letter_sources()) == set(ALLOWED)


@pytest.mark.parametrize("key", sorted(ALLOWED))
def test_letter_as_shipped_could_be_saved(key):
    assert problems_of(key, letter_sources()[key]) == []


def test_chapters_of_the_follow_ups_are_chapters_of_the_guide():
    assert set(CHAPTERS.values()) <= {(chapter.title, chapter.slug) for chapter in load_guide().chapters}


def test_each_follow_up_says_when_it_goes_out(db):
    with db.read() as session:
        assert uses_of_letters(session)["follow-up-experience"] == [
            "Mail 1 of “The pathway, step by step”, 3 days after the start."
        ]


# --- what goes out -----------------------------------------------------------------------------------------


def test_without_a_version_the_file_goes_out(db):
    with db.read() as session:
        assert current_source(session, KEY) == letter_sources()[KEY]


def test_an_edited_letter_goes_out_with_the_next_acknowledgement(db, settings, save):
    submitted(db, settings)
    save()
    submitted(db, settings, email="grace@example.org", name="Grace Hopper")
    before, after = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert before.subject.startswith("We have your message")
    assert after.subject == "We have it, Grace"
    assert "Your topic is Becoming a technical program manager." in plain_text(after.content)


def test_an_edited_follow_up_goes_out_and_names_its_chapter(db, settings, save):
    save(LetterSource("Read {chapter}", "p", "[{chapter}]({chapter_url})"), key="follow-up-experience")
    submitted(db, settings, consents=True)
    with db.read() as session:
        (run,) = runs_of(session, settings, contact_of(db).id)
    assert run.to_come[0].subject == "Read {chapter}"
    with time_machine.travel(clock.now() + timedelta(days=4), tick=False):
        run_due(db, settings)
    (message,) = messages(db, kind=MessageKind.FOLLOW_UP)
    assert message.subject == "Read Gaining Relevant Experience"
    assert "http://institute.test/#gaining-relevant-experience" in plain_text(message.content)


@pytest.mark.parametrize("key", sorted(ALLOWED))
def test_every_allowed_variable_has_a_value_whoever_reads(settings, key):
    each = [f"{{{variable}}}" for variable in ALLOWED[key]]
    source = LetterSource(" ".join(each[:6]), " ".join(each[:6]), " ".join(each))
    assert problems_of(key, source) == []
    for name in ["", "Ada", "http://x.example", "{topic}", "<b>Ada</b>"]:
        made = letter_for(settings, key, source, MADE_UP.__class__("x", 1, name, "T", "R"))
        assert "{greeting}" not in made.text + made.html + made.subject + made.preheader


def test_a_stored_version_that_can_not_be_sent_is_refused_with_a_sentence(db, alice):
    store_letter(db, alice.id, KEY, body="Dear {frist_name}")
    with db.read() as session, pytest.raises(LetterError, match=r"Version 1 .* uses \{frist_name\}.*restore another"):
        current_source(session, KEY)


def test_a_broken_letter_costs_its_mail_and_never_the_inquiry(db, settings, alice):
    store_letter(db, alice.id, KEY, body="Dear {frist_name}")
    submitted(db, settings)
    assert [message.kind for message in messages(db)] == [MessageKind.NOTICE]
    with db.read() as session:
        assert any("{frist_name}" in entry.sentence for entry in timeline_of(session, contact_of(db).id))


def test_a_broken_follow_up_waits_and_holds_up_nobody_else(db, settings, alice, save):
    store_letter(db, alice.id, "follow-up-experience", body="Dear {frist_name}")
    submitted(db, settings, consents=True)
    submitted(db, settings, consents=True, email="grace@example.org")
    with db.write() as session:
        session.execute(update(Enrollment).where(Enrollment.contact_id != contact_of(db).id).values(next_position=2))
    with time_machine.travel(clock.now() + timedelta(days=4), tick=False) as clockwork:
        run_due(db, settings)
        assert [message.recipient for message in messages(db, kind=MessageKind.FOLLOW_UP)] == ["grace@example.org"]
        save(LetterSource("Mended", "p", "b"), key="follow-up-experience")
        clockwork.shift(timedelta(hours=2))
        run_due(db, settings)
    assert [message.subject for message in messages(db, kind=MessageKind.FOLLOW_UP, recipient=ADA)] == ["Mended"]


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["subject", "preheader", "body"])
def test_unknown_variable_is_refused_with_the_nearest_allowed_one(save, part):
    fields = {"subject": "s", "preheader": "p", "body": "b", part: "Dear {frist_name}"}
    with pytest.raises(DraftError, match=r"\{frist_name\}.*The nearest is \{first_name\}") as refused:
        save(LetterSource(**fields))
    assert [problem.part for problem in refused.value.problems] == [part]


def test_variable_of_another_letter_is_unknown(save):
    with pytest.raises(DraftError, match=r"\{reference\}, and there is no such variable"):
        save(LetterSource("s", "p", "{reference}"), key="follow-up-skills")


def test_every_problem_is_told_at_once():
    assert len(sentences("{a} {b}", subject="{", preheader="")) == 4


@pytest.mark.parametrize(
    "body",
    [
        "{0.__class__}",
        "{{ 7 * 7 }}",
        "{% include 'x' %}",
        "{greeting.__init__}",
        "{",
        "}}",
        "&#123;secret&#125;",
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "[x](//evil.example)",
        "[x]({topic})",
        "[x](https://[::1)",
        "",
        " \n ",
        "\u200b\u202e",
        "x" * 100_000,
        "word " * (BODY_LIMIT // 5 + 1),
        "{topic}" * 1_400,
    ],
)
def test_hostile_body_is_refused_and_nothing_is_saved(db, save, body):
    with pytest.raises(DraftError):
        save(LetterSource("s", "p", body))
    with db.read() as session:
        assert len(versions_of(session, KEY)) == 1


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://x.example/p.png)",
        "</body><b>",
        "%s %(a)s",
    ],
)
def test_hostile_body_is_text(settings, body):
    assert sentences(body) == []
    made = letter_for(settings, KEY, LetterSource("s", "p", body), MADE_UP)
    assert not any(tag in made.html.lower() for tag in ("<script", "<img", "</body><b>"))


@pytest.mark.parametrize("pattern", ["[", "*a ", "> ", "![](", "- ", "_*", "<a ", "&amp;", "[a](b)", "\\", "a "])
def test_hostile_body_is_checked_in_no_time(pattern):
    body = pattern * (BODY_LIMIT // len(pattern) - 1)
    begun = time.process_time()  # a busy machine takes its time, and that says nothing
    sentences(body)
    difference(LetterSource("s", "p", body), LetterSource("s", "p", "b " + body))
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(("subject", "preheader", "says"), [
    ("", "p", "Write the subject"),
    ("s", " ", "Write the preheader"),
    ("s" * 151, "p", "Shorten the subject"),
    ("s", "p" * 201, "Shorten the preheader"),
])  # fmt: skip
def test_line_that_is_empty_or_too_long_is_refused(save, subject, preheader, says):
    with pytest.raises(DraftError, match=says):
        save(LetterSource(subject, preheader, "b"))


def test_what_nobody_sees_is_not_kept(db, save):
    save(LetterSource("A\r\nBcc: x@example.org", "p\u202e", "One\u202e.\r\n\r\n\0Two\u200b. \n\n\n"))
    with db.read() as session:
        assert current_source(session, KEY) == LetterSource("A Bcc: x@example.org", "p", "One.\n\nTwo.\n")


def test_a_letter_that_does_not_exist_can_not_be_saved(save):
    with pytest.raises(LetterError, match="There is no letter “nothing”"):
        save(key="nothing", based_on=None)
    with pytest.raises(Refusal, match="There is no letter “nothing”"):
        save(key="nothing", based_on=0)


# --- versions ----------------------------------------------------------------------------------------------


def test_versions_say_who_and_when_and_the_file_is_the_last(db, save):
    with time_machine.travel("2026-03-01 10:00Z", tick=False):
        save()
        save(LetterSource("Second", "p", "b"))
    with db.read() as session:
        found = [(version.number, version.author) for version in versions_of(session, KEY)]
        assert found == [(2, "Alice"), (1, "Alice"), (0, "As shipped")]
        assert f"{versions_of(session, KEY)[0].at:%Y-%m-%d %H:%M}" == "2026-03-01 10:00"
        assert current_subjects(session)[KEY] == "Second"


def test_saving_on_an_outdated_version_is_refused_and_names_who_was_first(db, save):
    save(based_on=0)
    with db.write() as session:
        bob = an_account(session, "Bob")
    with pytest.raises(StaleVersion, match="Alice saved version 1 while you were writing") as refused:
        save(LetterSource("Bob's", "p", "b"), based_on=0, account=bob)
    assert refused.value.newest.source == DRAFT


def test_two_who_save_at_once_make_one_version(db, save):
    start = threading.Barrier(2)
    refused = []

    def write(subject):
        start.wait()
        try:
            save(LetterSource(subject, "p", "b"), based_on=0)
        except StaleVersion as stale:
            refused.append(stale)

    both = [threading.Thread(target=write, args=(name,)) for name in ("One", "Two")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    with db.read() as session:
        assert (len(refused), len(versions_of(session, KEY))) == (1, 2)


def test_saving_what_is_there_already_makes_no_version(save):
    save()
    with pytest.raises(Refusal, match="version 1 says the same"):
        save()


@pytest.mark.parametrize("number", [0, 1])
def test_restoring_makes_a_new_version_with_the_old_text(db, alice, save, number):
    save()
    save(LetterSource("Second", "p", "b"))
    with db.write() as session:
        assert restore(session, KEY, number, based_on=2, account_id=alice.id) == 3
    with db.read() as session:
        newest, *_, shipped = versions_of(session, KEY)
        assert (newest.number, newest.source) == (3, shipped.source if number == 0 else DRAFT)


def test_restoring_what_is_not_there_is_refused(db, alice):
    with db.write() as session, pytest.raises(Refusal, match="no version 7"):
        restore(session, KEY, 7, based_on=0, account_id=alice.id)


def test_saving_and_restoring_are_in_the_audit_log(db, alice, save):
    save()
    with db.write() as session:
        restore(session, KEY, 0, based_on=1, account_id=alice.id)
    with db.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "template_saved")).all()
        assert [(entry.account_id, entry.subject) for entry in entries] == [
            (alice.id, "acknowledgement, version 1"),
            (alice.id, "acknowledgement, version 2, restored from version 0"),
        ]


# --- differences -------------------------------------------------------------------------------------------


def words(old, new):
    return [
        (w.change.value, w.text) for w in difference(LetterSource("s", "p", old), LetterSource("s", "p", new))[2].words
    ]


def test_a_changed_word_is_told_as_a_word():
    assert words("A quick brown fox jumps.\nSame.\n", "A quick red fox jumps.\nSame.\n") == [
        ("same", "A quick "),
        ("removed", "brown"),
        ("added", "red"),
        ("same", " fox jumps.\nSame.\n"),
    ]


def test_lines_with_nothing_in_common_are_told_whole():
    assert words("One two three four.\n", "Nobody wrote anything alike today.\n") == [
        ("removed", "One two three four.\n"),
        ("added", "Nobody wrote anything alike today.\n"),
    ]


def test_parts_without_a_change_say_so():
    parts = difference(DRAFT, LetterSource("Other", DRAFT.preheader, DRAFT.body))
    assert [(part.part, part.changed) for part in parts] == [("Subject", True), ("Preheader", False), ("Body", False)]


@pytest.mark.parametrize(
    ("old", "new"), [("a b\n\nc", "c\n\na b"), ("{x}", "{y} 🙂\u0301"), ("a\n", ""), (" ", "\t\n")]
)
def test_a_difference_holds_both_texts_whole(old, new):
    found = difference(LetterSource("s", "p", old), LetterSource("s", "p", new))[2].words
    assert "".join(w.text for w in found if w.change is not Change.ADDED) == old
    assert "".join(w.text for w in found if w.change is not Change.REMOVED) == new


# --- previews and tests ------------------------------------------------------------------------------------


def test_previews_are_for_the_newest_contacts_or_for_made_up_ada(db, settings):
    with db.read() as session:
        assert newest_readers(session) == [MADE_UP]
    for number in range(READERS + 1):
        submitted(db, settings, email=f"reader{number}@example.org", name=f"Reader {number}")
    with db.read() as session:
        found = newest_readers(session)
        assert [reader.name for reader in found] == [f"Reader {number}" for number in range(READERS, 0, -1)]
        assert reader_of(session, "unknown") == found[0]


def test_a_preview_is_for_nobody_who_was_merged_into_another(db, settings):
    for name in ("Ada", "Ada again"):
        submitted(db, settings, email=f"{name.replace(' ', '.')}@example.org", name=name)
    with db.write() as session:
        first, second = session.scalars(select(Contact).order_by(Contact.id))
        second.merged_into_id = first.id
    with db.read() as session:
        assert [reader.name for reader in newest_readers(session)] == ["Ada"]
        assert reader_of(session, second.public_id).name == "Ada"


def test_a_preview_says_what_the_real_mail_says_but_for_the_link_that_is_the_readers_own(db, settings):
    submitted(db, settings)
    (real,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    with db.read() as session:
        made = letter_for(settings, KEY, current_source(session, KEY), newest_readers(session)[0])
    said = re.sub(r"/me/\S+", "/me", plain_text(real.content))
    assert (made.subject, made.text.split()) == (real.subject, said.split())


def test_a_previewed_unsubscribe_link_is_nobodys(db, settings):
    submitted(db, settings, consents=True)
    with db.read() as session:
        made = letter_for(settings, "follow-up-skills", DRAFT_OF_SKILLS, newest_readers(session)[0])
    assert "http://institute.test/unsubscribe/example" in made.text


DRAFT_OF_SKILLS = letter_sources()["follow-up-skills"]


def a_test(db, settings, alice, nonce="once", key=KEY):
    with db.write() as session:
        return send_test(session, settings, key, letter_sources()[key], newest_readers(session)[0], alice, nonce)


def test_a_test_goes_to_the_editor_alone_and_says_that_it_is_one(db, settings, alice):
    submitted(db, settings)
    with db.read() as session:
        before = timeline_of(session, contact_of(db).id)
    assert a_test(db, settings, alice)
    (test,) = messages(db, kind=MessageKind.TEST)
    assert (test.recipient, test.recipient_key) == ("alice@tpminstitute.org", "alice@tpminstitute.org")
    assert test.subject.startswith("[Test] We have your message")
    assert b"List-Unsubscribe" not in test.content
    with db.read() as session:
        assert timeline_of(session, contact_of(db).id) == before


def test_a_test_is_sent_once_for_one_page(db, settings, alice):
    submitted(db, settings)
    assert [a_test(db, settings, alice), a_test(db, settings, alice), a_test(db, settings, alice, "again")] == [
        True,
        False,
        True,
    ]


def test_a_test_needs_a_real_contact(db, settings, alice):
    with pytest.raises(Refusal, match="needs a real contact"):
        a_test(db, settings, alice)
    assert messages(db) == []


def test_nothing_that_happens_to_the_contact_keeps_a_test_from_its_editor(db, settings, alice):
    inquiry = submitted(db, settings)
    a_test(db, settings, alice)
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.COMPLAINT)
        service.mark_spam(session, settings, session.get_one(Inquiry, inquiry.id), alice.id)
    post = Post()
    deliver(db, post, settings)
    assert post.recipients == ["info@tpminstitute.org", "alice@tpminstitute.org"] or post.recipients == [
        "alice@tpminstitute.org"
    ]
    (test,) = messages(db, kind=MessageKind.TEST)
    assert test.status is MessageStatus.SENT


def test_a_test_closes_no_address_and_cancels_nothing_of_the_contacts(db, settings, alice):
    submitted(db, settings)
    a_test(db, settings, alice)
    assert {m.kind: m.status for m in messages(db)} == dict.fromkeys(
        (MessageKind.NOTICE, MessageKind.ACKNOWLEDGEMENT, MessageKind.TEST), MessageStatus.QUEUED
    )
