"""Who only commented on the guide: their link, their comments, and being forgotten by the address they left."""

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import ADA, messages, submitted
from tests.rooms.commented import commented
from tpminstitute.comments.models import Comment, CommentState, CommentWriter
from tpminstitute.contacts.identity import read_email
from tpminstitute.core import clock
from tpminstitute.core.tokens import Signer, digest
from tpminstitute.mail.models import Message, MessageKind, SuppressionReason
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppress, suppression_of
from tpminstitute.own_page.asking import MOST_A_DAY, ask_by_address
from tpminstitute.own_page.links import OPENS_ALL, Closed
from tpminstitute.own_page.times import A_DAY
from tpminstitute.own_page.told import remarks_of
from tpminstitute.own_page.writers import (
    Writer,
    ask_to_be_forgotten,
    forget_due,
    open_writer,
    stay,
    stay_url,
    wish_to_stay,
)
from tpminstitute.privacy.models import ErasedAddress, WriterErasure

GRACE = "grace@example.org"


@pytest.fixture
def grace(db, settings):
    """Grace commented twice and never wrote; the clock stands still but for what a test shifts."""
    with time_machine.travel(clock.now().replace(microsecond=0), tick=False) as clockwork:
        commented(db, settings, email=GRACE, name="Grace Hopper", published=True)
        commented(db, settings, email=GRACE, name="Grace Hopper", body="And a second one?")
        yield clockwork


def asked(db, settings, email=GRACE):
    with db.write() as session:
        ask_by_address(session, settings, read_email(email), "127.0.0.1")
    return messages(db, kind=MessageKind.OWN_DATA)


def link(db, settings):
    """Ask for the link. Returns: the token in the newest mail."""
    words = plain_text(asked(db, settings)[-1].content)
    return re.findall(r"/me/comments/([\w.~-]+)", words)[0]


def opened(db, settings, token):
    with db.read() as session:
        return open_writer(session, settings, token)


def wished(db, settings):
    token = link(db, settings)
    with db.write() as session:
        writer = open_writer(session, settings, token)
        assert isinstance(writer, Writer)
        ask_to_be_forgotten(session, settings, writer)


def test_who_only_commented_gets_a_link_to_their_comments_for_an_hour(db, settings, grace):
    token = link(db, settings)
    (mail,) = messages(db, kind=MessageKind.OWN_DATA)
    assert (mail.recipient_key, mail.contact_id) == (GRACE, None)
    assert "second one" not in plain_text(mail.content)
    with db.read() as session:
        assert [remark.words for remark in remarks_of(session, [GRACE])][:1] == ["And a second one?"]
    grace.shift(OPENS_ALL)
    assert isinstance(opened(db, settings, token), Writer)
    grace.shift(1)
    assert opened(db, settings, token) is Closed.OVER


@on_sqlite
def test_a_commenter_is_asked_about_no_more_often_than_a_contact(db, settings, grace):
    for _ in range(MOST_A_DAY + 1):
        asked(db, settings)
    assert len(messages(db, kind=MessageKind.OWN_DATA)) == MOST_A_DAY


def test_who_also_wrote_gets_the_link_to_everything(db, settings, grace):
    submitted(db, settings, email=GRACE)
    words = plain_text(asked(db, settings)[-1].content)
    assert "/me/comments/" not in words


def test_after_a_day_the_comments_the_address_and_the_mails_about_them_are_forgotten(db, settings, grace):
    wished(db, settings)
    grace.shift(A_DAY - timedelta(seconds=1))
    assert forget_due(db, settings) == 0
    grace.shift(1)
    assert [forget_due(db, settings), forget_due(db, settings)] == [1, 0]
    with db.read() as session:
        assert {(row.name, row.state) for row in session.scalars(select(Comment))} == {
            ("(erased)", CommentState.REMOVED)
        }
        assert not session.scalars(select(CommentWriter)).all()
        assert not session.scalars(select(WriterErasure)).all()
        mails = session.scalars(select(Message)).all()
    assert "grace" not in " ".join(f"{mail.recipient} {mail.subject} {mail.content!r}" for mail in mails).lower()


def test_who_takes_it_back_is_not_forgotten(db, settings, grace):
    wished(db, settings)
    with db.write() as session:
        url = stay_url(settings, session.scalars(select(WriterErasure)).one())
        wish = wish_to_stay(session, settings, url.rpartition("/")[2])
        assert isinstance(wish, WriterErasure)
        stay(session, wish.email_key)
    grace.shift(A_DAY)
    assert forget_due(db, settings) == 0
    with db.read() as session:
        assert wish_to_stay(session, settings, url.rpartition("/")[2]) is None


@on_sqlite
def test_asking_twice_is_one_wish_and_one_mail(db, settings, grace):
    wished(db, settings)
    wished(db, settings)
    mails = [mail.subject for mail in messages(db, kind=MessageKind.OWN_DATA)]
    assert mails.count("You asked that your comments be erased") == 1


def test_of_somebody_who_wrote_meanwhile_only_the_comments_go(db, settings, grace):
    wished(db, settings)
    submitted(db, settings, email=GRACE)
    with db.write() as session:
        suppress(session, GRACE, SuppressionReason.OPT_OUT)
    grace.shift(A_DAY)
    forget_due(db, settings)
    with db.read() as session:
        assert not session.scalars(select(CommentWriter)).all()
        assert suppression_of(session, GRACE)
    assert messages(db, recipient_key=GRACE, kind=MessageKind.ACKNOWLEDGEMENT)


def test_a_closed_address_stays_closed_as_a_digest(db, settings, grace):
    wished(db, settings)
    with db.write() as session:
        suppress(session, GRACE, SuppressionReason.HARD_BOUNCE)
    grace.shift(A_DAY)
    forget_due(db, settings)
    with db.read() as session:
        assert [row.digest for row in session.scalars(select(ErasedAddress))] == [digest(GRACE)]


def test_the_link_of_somebody_who_was_forgotten_says_so(db, settings, grace):
    wished(db, settings)
    grace.shift(A_DAY - timedelta(minutes=1))
    token = link(db, settings)
    grace.shift(timedelta(minutes=1))
    forget_due(db, settings)
    assert opened(db, settings, token) is Closed.ERASED


@on_sqlite
@pytest.mark.parametrize("value", ["x", [1], ["x", "y"], ["x", 10**30], None, {"a": 1}])
def test_a_signed_value_of_another_shape_opens_no_comments(db, settings, grace, value):
    assert opened(db, settings, Signer(settings.secret_key, "me-writer").sign(value)) is Closed.UNKNOWN


@on_sqlite
@pytest.mark.parametrize("purpose", ["me", "comment-own", "comment-answers", "me-writer-stay"])
def test_a_token_of_another_purpose_opens_no_comments(db, settings, grace, purpose):
    with db.read() as session:
        public_id = session.scalars(select(CommentWriter.public_id)).first()
    value = [public_id, int(clock.now().timestamp() * 1000)]
    assert opened(db, settings, Signer(settings.secret_key, purpose).sign(value)) is Closed.UNKNOWN


@on_sqlite
def test_a_comment_of_somebody_else_is_not_theirs(db, settings, grace):
    commented(db, settings, email=ADA, body="A word of Ada’s")
    with db.read() as session:
        assert "A word of Ada’s" not in [remark.words for remark in remarks_of(session, [GRACE])]
