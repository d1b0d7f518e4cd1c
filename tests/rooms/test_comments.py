"""Comments on the guide: kept until somebody approves them, two deep, in the words that were read."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from tests.conftest import on_sqlite
from tests.factories import an_account, messages
from tests.rooms.commented import CHAPTER, comment_of, commented, states
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.comments import moderation
from tpminstitute.comments.chapters import commented as commented_chapters
from tpminstitute.comments.chapters import edition_of
from tpminstitute.comments.judging import MOST_AN_HOUR
from tpminstitute.comments.models import Comment, CommentState, CommentWriter
from tpminstitute.comments.moderation import Stale
from tpminstitute.comments.notices import MOST_SINGLE, tell_of_many
from tpminstitute.comments.queries import counts, thread_page
from tpminstitute.comments.submit import EDITED_FOR, edit, may_edit, take_back
from tpminstitute.core import clock
from tpminstitute.core.config import Switch
from tpminstitute.core.errors import Refusal
from tpminstitute.institute.service import version
from tpminstitute.mail.models import MessageKind


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


def page(db, chapter=CHAPTER, **where):
    with db.read() as session:
        return thread_page(session, chapter, **where)


def on_it(db, comment, act):
    """Do something with a comment whose row is locked, as the doors do."""
    with db.write() as session:
        return act(session, moderation.locked_comment(session, comment.public_id))


def published_by(db, settings, comment, account):
    return on_it(db, comment, lambda session, row: moderation.publish(session, settings, row, row.number, account))


def answered(db, settings, comment, account, body="On every project.", nonce="n"):
    return on_it(db, comment, lambda session, row: moderation.answer(session, settings, row, account, body, nonce))


def refused(db, statement):
    with pytest.raises(DBAPIError), db.write() as session:
        session.execute(statement)


# --- taking in ---------------------------------------------------------------------------------------------


def test_a_comment_waits_for_approval_and_is_shown_to_nobody(db, settings):
    comment = commented(db, settings)
    assert comment.state is CommentState.HELD
    assert page(db).threads == []


def test_a_comment_sent_twice_is_one(db, settings):
    first = commented(db, settings, form_key="same")
    assert commented(db, settings, form_key="same").id == first.id
    assert len(states(db)) == 1
    assert len(messages(db)) == 1


def test_an_answer_to_an_answer_stands_beside_it(db, settings):
    top = commented(db, settings, published=True)
    answer = commented(db, settings, answers=top.public_id, published=True)
    for _ in range(10):
        answer = commented(db, settings, answers=answer.public_id, published=True)
    (thread,) = page(db).threads
    assert thread.public_id == top.public_id
    assert len(thread.answers) == 11


def test_an_answer_to_nothing_or_to_another_chapters_comment_is_kept_as_a_comment(db, settings):
    other = commented(db, settings, chapter="introduction")
    for answers in ("nothing", other.public_id):
        assert commented(db, settings, answers=answers).level == 1


def test_the_database_takes_nothing_three_deep_and_no_answer_across_chapters(db, settings):
    top = commented(db, settings)
    answer = commented(db, settings, answers=top.public_id)
    with db.read() as session:
        values = dict(session.execute(select(Comment.__table__).where(Comment.id == answer.id)).mappings().one())
    values |= {"public_id": "another", "form_key": "another"}
    del values["id"]
    refused(db, insert(Comment).values(values | {"parent_id": answer.id}))
    refused(db, insert(Comment).values(values | {"parent_level": 2, "parent_id": answer.id, "level": 3}))
    refused(db, insert(Comment).values(values | {"chapter": "introduction"}))
    refused(db, update(Comment).where(Comment.id == top.id).values(level=2))


@on_sqlite
def test_nothing_is_taken_while_comments_are_closed_but_what_was_sent_before_is_known(db, settings):
    before = commented(db, settings, form_key="same")
    closed = settings.model_copy(update={"comments_open": False})
    with pytest.raises(Refusal, match="closed"):
        commented(db, closed)
    assert commented(db, closed, form_key="same").id == before.id


def test_a_flood_from_one_network_or_address_is_kept_apart_and_tells_nobody(db, settings):
    for _ in range(MOST_AN_HOUR):
        commented(db, settings, origin="network")
    flood = commented(db, settings, origin="network")
    assert flood.state is CommentState.SUSPECTED
    assert "same network" in flood.suspicions[0]
    assert commented(db, settings, origin="elsewhere").state is CommentState.HELD
    for _ in range(MOST_AN_HOUR):
        commented(db, settings, email="eve@example.org")
    assert commented(db, settings, email="EVE@example.org").state is CommentState.SUSPECTED


@on_sqlite
def test_link_spam_is_set_apart_and_never_lost(db, settings):
    spam = commented(db, settings, suspicions=["The message holds 9 web addresses."])
    assert spam.state is CommentState.SUSPECTED
    assert messages(db) == []


@on_sqlite
def test_a_flood_isnt_counted_where_screening_is_off(db, settings):
    off = settings.model_copy(update={"screening": Switch.OFF})
    assert {commented(db, off, origin="network").state for _ in range(MOST_AN_HOUR + 2)} == {CommentState.HELD}


# --- telling staff -----------------------------------------------------------------------------------------


def test_after_a_few_notices_one_mail_an_hour_tells_of_the_rest(db, settings):
    for _ in range(MOST_SINGLE + 4):
        commented(db, settings)
    assert len(messages(db)) == MOST_SINGLE
    assert tell_of_many(db, settings) == 4
    assert tell_of_many(db, settings) == 0
    commented(db, settings)
    assert tell_of_many(db, settings) == 0
    with time_machine.travel(clock.now() + timedelta(hours=1)):
        assert tell_of_many(db, settings) == 1
    assert len(messages(db)) == MOST_SINGLE + 2
    assert messages(db)[MOST_SINGLE].subject == f"{MOST_SINGLE + 4} comments wait for approval"


@on_sqlite
def test_where_a_comment_came_from_is_forgotten_after_a_day(db, settings):
    comment = commented(db, settings, origin="network")
    tell_of_many(db, settings)
    assert comment_of(db, comment.public_id).origin == "network"
    with time_machine.travel(clock.now() + timedelta(hours=25)):
        tell_of_many(db, settings)
    assert comment_of(db, comment.public_id).origin is None


# --- the writer's quarter of an hour -----------------------------------------------------------------------


def test_a_writer_changes_a_comment_for_a_quarter_of_an_hour(db, settings):
    comment = commented(db, settings)
    on_it(db, comment, lambda session, row: edit(session, settings, row, "Ada", "Where, and how?"))
    changed = comment_of(db, comment.public_id)
    assert (changed.body, changed.number, changed.state) == ("Where, and how?", 2, CommentState.HELD)
    with time_machine.travel(comment.created_at + EDITED_FOR):
        assert not may_edit(changed)
        with pytest.raises(Refusal, match="can't be changed any more"):
            on_it(db, comment, lambda session, row: edit(session, settings, row, "Ada", "Later"))


def test_a_public_comment_that_is_changed_waits_again_and_staff_are_told_again(db, settings):
    comment = commented(db, settings, published=True)
    on_it(db, comment, lambda session, row: edit(session, settings, row, "Ada", "Buy my course"))
    assert comment_of(db, comment.public_id).state is CommentState.HELD
    assert page(db).threads == []
    assert len(messages(db)) == 2


@on_sqlite
def test_a_change_into_spam_is_set_apart(db, settings):
    comment = commented(db, settings)
    links = " ".join(["https://spam.example/x"] * 12)
    on_it(db, comment, lambda session, row: edit(session, settings, row, "Ada", links))
    assert comment_of(db, comment.public_id).state is CommentState.SUSPECTED


@on_sqlite
def test_a_change_that_changes_nothing_leaves_the_comment_as_it_is(db, settings):
    comment = commented(db, settings, published=True)
    on_it(db, comment, lambda session, row: edit(session, settings, row, comment.name, comment.body))
    assert comment_of(db, comment.public_id).state is CommentState.PUBLISHED


def test_what_its_writer_took_back_is_gone_and_its_answers_stay(db, settings, alice):
    comment = commented(db, settings, email="ada@example.org", published=True)
    answered(db, settings, comment, alice)
    on_it(db, comment, lambda session, row: take_back(session, row))
    gone = comment_of(db, comment.public_id)
    assert (gone.name, gone.body) == ("(taken back)", "Taken back by its writer.")
    (thread,) = page(db).threads
    assert thread.top is None
    assert [said.by_institute for said in thread.answers] == [True]
    with db.read() as session:
        assert session.scalar(select(CommentWriter)) is None


# --- moderation --------------------------------------------------------------------------------------------


def test_a_published_comment_is_shown_and_counted_and_the_pages_are_made_anew(db, settings, alice):
    comment = commented(db, settings)
    with db.read() as session:
        before = version(session)
    published_by(db, settings, comment, alice)
    (thread,) = page(db).threads
    assert thread.top.name == "Ada Lovelace"
    with db.read() as session:
        assert counts(session)[CHAPTER].comments == 1
        assert version(session) > before


def test_nobody_approves_what_they_did_not_read(db, settings, alice):
    comment = commented(db, settings)
    on_it(db, comment, lambda session, row: edit(session, settings, row, "Ada", "Something else"))
    with pytest.raises(Stale):
        on_it(db, comment, lambda session, row: moderation.publish(session, settings, row, comment.number, alice))
    assert states(db) == [CommentState.HELD]


def test_a_decision_is_taken_once_and_taken_back_once(db, settings, alice):
    comment = commented(db, settings)
    done = published_by(db, settings, comment, alice)
    with pytest.raises(Refusal, match="published by now"):
        published_by(db, settings, comment, alice)
    with db.write() as session:
        moderation.take_back(session, settings, done, alice)
    assert states(db) == [CommentState.HELD]
    with pytest.raises(Refusal, match="happened"), db.write() as session:
        moderation.take_back(session, settings, done, alice)


@pytest.mark.parametrize("spam", [True, False])
def test_a_refused_comment_is_kept_out_of_sight_and_put_back(db, settings, alice, spam):
    comment = commented(db, settings)
    done = on_it(db, comment, lambda session, row: moderation.refuse(session, row, row.number, alice, spam=spam))
    assert comment_of(db, comment.public_id).suspicions == ([moderation.SPAM] if spam else [])
    with db.write() as session:
        moderation.take_back(session, settings, done, alice)
    assert comment_of(db, comment.public_id).state is CommentState.HELD
    assert comment_of(db, comment.public_id).suspicions == []


def test_a_removed_comment_leaves_the_page_and_the_count(db, settings, alice):
    comment = commented(db, settings, published=True)
    on_it(db, comment, lambda session, row: moderation.remove(session, row, row.number, alice))
    assert page(db).threads == []
    with db.read() as session:
        assert counts(session) == {}


def test_staff_answer_in_public_and_what_waits_is_published_with_it(db, settings, alice):
    comment = commented(db, settings)
    assert answered(db, settings, comment, alice).id == answered(db, settings, comment, alice).id
    (thread,) = page(db).threads
    assert thread.top is not None
    assert [(said.name, said.by_institute) for said in thread.answers] == [("Alice", True)]


@on_sqlite
@pytest.mark.parametrize(("body", "says"), [("  ", "empty"), ("x" * 5001, "Shorten")])
def test_an_answer_that_says_nothing_or_too_much_is_refused(db, settings, alice, body, says):
    with pytest.raises(Refusal, match=says):
        answered(db, settings, commented(db, settings), alice, body)


def test_every_decision_is_on_the_audit_log_without_a_word_of_the_comment(db, settings, alice):
    comment = commented(db, settings)
    published_by(db, settings, comment, alice)
    on_it(db, comment, lambda session, row: moderation.remove(session, row, row.number, alice))
    other = commented(db, settings, published=True)
    with db.read() as session:
        log = session.execute(select(AuditEntry.action, AuditEntry.subject, AuditEntry.kind)).all()
    assert log == [
        ("comment_published", f"comment {comment.public_id}", "comment"),
        ("comment_removed", f"comment {comment.public_id}", "comment"),
        ("comment_published", f"comment {other.public_id}, by the link in the notice", "comment"),
    ]


# --- reading -----------------------------------------------------------------------------------------------


def test_threads_come_in_pages_newest_first_and_a_page_begins_with_the_comment_asked_for(db, settings):
    first = commented(db, settings, published=True)
    answer = commented(db, settings, answers=first.public_id, published=True)
    with db.write() as session:
        row = dict(session.execute(select(Comment.__table__).where(Comment.id == first.id)).mappings().one())
        del row["id"]
        many = [row | {"public_id": f"p{n}", "form_key": f"k{n}"} for n in range(60)]
        session.execute(insert(Comment), many)
    newest = page(db)
    assert [thread.public_id for thread in newest.threads[:2]] == ["p59", "p58"]
    assert newest.older == "p10"
    rest = page(db, before=newest.older)
    assert len(rest.threads) == 11
    assert rest.older is None
    assert page(db, around=answer.public_id).threads[0].public_id == first.public_id
    assert page(db, before="nothing").threads[0].public_id == "p59"


@on_sqlite
def test_a_comment_says_when_its_chapter_has_changed_since(db, settings):
    commented(db, settings, published=True, edition=edition_of(CHAPTER))
    commented(db, settings, published=True, edition="00000000")
    assert [thread.top.earlier for thread in page(db).threads] == [True, False]


def test_the_contact_block_and_the_way_to_comment_take_no_comments():
    assert not {"contact-us", "comments"} & {chapter.slug for chapter in commented_chapters()}
    assert len(commented_chapters()) == 7


@on_sqlite
def test_a_notice_goes_to_whom_an_administrator_chose(db, settings):
    commented(db, settings)
    (notice,) = messages(db)
    assert (notice.kind, notice.recipient) == (MessageKind.STAFF, "info@tpminstitute.org")
    assert notice.subject == "A comment by Ada Lovelace on “Gaining Relevant Experience”"
