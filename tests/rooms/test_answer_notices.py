"""Who asked hears of answers, once each, until they have enough; and who was erased is forgotten here too."""

import json
import zipfile
from io import BytesIO

import pytest
import time_machine
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import ADA, an_account, contact_of, messages, submitted
from tests.parts import lint
from tests.rooms.came import a_mail, came
from tests.rooms.commented import comment_of, commented
from tests.rooms.post import Post
from tests.rooms.test_comments import answered, on_it, page, published_by
from tpminstitute.comments import moderation, notices
from tpminstitute.comments.links import own_token, stop_url, writer_of_stop
from tpminstitute.comments.models import CommentState, CommentWriter
from tpminstitute.comments.submit import edit
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.tokens import Signer
from tpminstitute.inbox.provider_events import Outcome, ProviderEvent, Report, record_event
from tpminstitute.inbox.returned import bounced
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.incoming.model import Bounce
from tpminstitute.mail.models import Message, MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppress, suppression_of
from tpminstitute.privacy.erasing import erase
from tpminstitute.privacy.export import write

BOB = "bob@example.org"


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


def asks(db, settings, email=ADA, **fields):
    """Somebody comments, publicly by now, and wants to hear of answers."""
    return commented(db, settings, email=email, wants_answers=True, **({"published": True} | fields))


def told(db):
    return [mail.recipient for mail in messages(db, kind=MessageKind.COMMENT_ANSWER)]


def stop_token(db, settings, comment):
    with db.read() as session:
        return stop_url(settings, session.get_one(CommentWriter, comment.id)).rpartition("/")[2]


def test_who_asked_hears_of_an_answer_once_it_is_public_and_gets_nothing_typed(db, settings, alice):
    top = asks(db, settings)
    answer = commented(db, settings, name="Eve", body="Buy my course at once", answers=top.public_id)
    assert told(db) == []
    published_by(db, settings, answer, alice)
    (mail,) = messages(db, kind=MessageKind.COMMENT_ANSWER)
    text = plain_text(mail.content)
    assert (mail.recipient, mail.contact_id) == (ADA, None)
    assert f"/comments/{top.chapter}?comment={answer.public_id}" in text
    assert "Buy my course" not in text
    lint.check(mail.content)


def test_nobody_hears_of_their_own_answer_and_each_address_hears_once(db, settings, alice):
    top = asks(db, settings)
    asks(db, settings, answers=top.public_id)
    assert told(db) == []
    asks(db, settings, email=BOB, answers=top.public_id)
    assert told(db) == [ADA]
    answered(db, settings, top, alice)
    assert told(db) == [ADA, ADA, BOB]


def test_nothing_goes_to_an_address_whose_own_comment_nobody_approved(db, settings, alice):
    top = asks(db, settings, email=BOB)
    asks(db, settings, answers=top.public_id, published=False)
    answered(db, settings, top, alice)
    assert told(db) == [BOB]


def test_nobody_hears_who_did_not_ask(db, settings, alice):
    answered(db, settings, commented(db, settings, email=ADA), alice)
    assert told(db) == []


def test_taking_an_approval_back_takes_the_mail_back_and_publishing_again_sends_one(db, settings, alice):
    top = asks(db, settings)
    answer = commented(db, settings, answers=top.public_id)
    done = published_by(db, settings, answer, alice)
    with db.write() as session:
        moderation.take_back(session, settings, done, alice)
    published_by(db, settings, answer, alice)
    states = [mail.status for mail in messages(db, kind=MessageKind.COMMENT_ANSWER)]
    assert states == [MessageStatus.CANCELLED, MessageStatus.QUEUED]
    post = Post()
    with time_machine.travel(clock.now() + notices.RESTS):
        deliver(db, post, settings)
    assert post.recipients.count(ADA) == 1


@pytest.mark.parametrize(
    ("reason", "becomes"),
    [
        (SuppressionReason.HARD_BOUNCE, MessageStatus.SUPPRESSED),
        (SuppressionReason.COMPLAINT, MessageStatus.SUPPRESSED),
        (SuppressionReason.BY_HAND, MessageStatus.SUPPRESSED),
        (SuppressionReason.OPT_OUT, MessageStatus.SENT),
    ],
)
@on_sqlite
def test_a_closed_address_hears_nothing_but_who_only_left_follow_ups_hears_what_they_asked_for(
    db, settings, alice, reason, becomes
):
    top = asks(db, settings)
    with db.write() as session:
        suppress(session, ADA, reason)
    answered(db, settings, top, alice)
    with time_machine.travel(clock.now() + notices.RESTS):
        deliver(db, Post(), settings)
    assert messages(db, kind=MessageKind.COMMENT_ANSWER)[0].status is becomes


def test_an_unsubscribe_in_answer_to_word_of_a_comment_ends_these_mails_and_no_follow_ups(db, settings, alice):
    submitted(db, settings, email=ADA)
    top = asks(db, settings)
    answered(db, settings, top, alice)
    (word,) = messages(db, kind=MessageKind.COMMENT_ANSWER)
    came(db, settings, a_mail(subject="Unsubscribe", text="unsubscribe", answers=word))
    answered(db, settings, top, alice, nonce="other")
    assert [mail.status for mail in messages(db, kind=MessageKind.COMMENT_ANSWER)] == [MessageStatus.CANCELLED]
    with db.read() as session:
        assert suppression_of(session, ADA) is None


@on_sqlite
def test_a_provider_that_says_that_word_of_a_comment_was_unsubscribed_from_ends_these_mails(db, settings, alice):
    top = asks(db, settings)
    answered(db, settings, top, alice)
    (word,) = messages(db, kind=MessageKind.COMMENT_ANSWER)
    event = ProviderEvent("postmark", ("1",), Report.UNSUBSCRIPTION, ADA, message_ids=(word.message_id,))
    with db.write() as session:
        assert record_event(session, settings, event) is Outcome.TAKEN
    answered(db, settings, top, alice, nonce="other")
    assert [mail.status for mail in messages(db, kind=MessageKind.COMMENT_ANSWER)] == [MessageStatus.CANCELLED]


@on_sqlite
def test_an_unsubscribe_in_answer_to_nothing_of_ours_ends_these_mails_as_well(db, settings, alice):
    submitted(db, settings, email=ADA)
    top = asks(db, settings)
    came(db, settings, a_mail(subject="Unsubscribe", text="unsubscribe"))
    answered(db, settings, top, alice)
    assert told(db) == []
    with db.read() as session:
        assert suppression_of(session, ADA) is not None


def test_an_address_that_bounces_is_closed_though_it_belongs_to_no_contact(db, settings, alice):
    answered(db, settings, asks(db, settings), alice)
    with db.write() as session:
        mail = session.scalars(select(Message).where(Message.kind == MessageKind.COMMENT_ANSWER)).one()
        bounced(session, mail, Bounce(permanent=True, status="5.1.1", recipient=ADA, reason="No such user"))
    with db.read() as session:
        closed = suppression_of(session, ADA)
        assert closed
        assert closed.reason is SuppressionReason.HARD_BOUNCE


def test_who_has_enough_hears_no_more_of_any_comment_and_what_waits_is_cancelled(db, settings, alice):
    first, second = asks(db, settings), asks(db, settings)
    answered(db, settings, first, alice)
    with db.write() as session:
        assert notices.stop(session, writer_of_stop(settings, stop_token(db, settings, first))) == ADA
    answered(db, settings, second, alice, nonce="other")
    assert [mail.status for mail in messages(db, kind=MessageKind.COMMENT_ANSWER)] == [MessageStatus.CANCELLED]
    with db.write() as session:
        assert notices.stop(session, writer_of_stop(settings, stop_token(db, settings, first))) == ADA


@on_sqlite
def test_a_token_of_another_purpose_ends_nothing(db, settings):
    comment = asks(db, settings)
    assert writer_of_stop(settings, own_token(settings, comment.public_id)) is None
    assert writer_of_stop(settings, Signer(settings.secret_key, "comment-answers").sign(17)) is None


# --- forgetting --------------------------------------------------------------------------------------------


def test_who_is_erased_is_forgotten_in_comments_and_their_links_say_so(db, settings, alice):
    submitted(db, settings, email=ADA)
    top = asks(db, settings)
    answered(db, settings, top, alice)
    token = stop_token(db, settings, top)
    with db.write() as session:
        erase(session, contact_of(db, ADA).id, alice.id)
    gone = comment_of(db, top.public_id)
    assert (gone.state, gone.name, gone.body) == (CommentState.REMOVED, "(erased)", "Erased.")
    (thread,) = page(db).threads
    assert (thread.top, len(thread.answers)) == (None, 1)
    (mail,) = messages(db, kind=MessageKind.COMMENT_ANSWER)
    assert (mail.recipient, mail.content, mail.status) == ("erased@invalid", b"", MessageStatus.CANCELLED)
    with db.write() as session:
        assert notices.stop(session, writer_of_stop(settings, token)) is None
    with pytest.raises(Refusal, match="can't be changed"):
        on_it(db, top, lambda session, row: edit(session, settings, row, "Ada", "Back again"))


@on_sqlite
def test_what_is_held_about_a_person_names_their_comments(db, settings):
    submitted(db, settings, email=ADA)
    comment = asks(db, settings)
    asks(db, settings, email=BOB)
    out = BytesIO()
    with db.read() as session:
        write(session, "TPM Institute", contact_of(db, ADA).id, out)
    data = json.loads(zipfile.ZipFile(out).read("data.json"))
    assert [(one["public_id"], one["body"]) for one in data["comments"]] == [(comment.public_id, comment.body)]
