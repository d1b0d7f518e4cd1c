"""A backup holds everything, and what is restored sends nothing until somebody says so."""

import shutil

import pytest
from sqlalchemy import select, update

from tests.factories import contact_of, count, make_settings, submitted
from tests.rooms.commented import commented
from tests.rooms.post import Post
from tpminstitute.backup import back_up, restore
from tpminstitute.comments.models import Comment, CommentWriter
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.models import Inquiry
from tpminstitute.mail import control
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.privacy.erasing import erase, erase_writer


@pytest.fixture
def settings(tmp_path, database_url):
    if database_url.startswith("postgresql") and not (shutil.which("pg_dump") and shutil.which("pg_restore")):
        pytest.skip("PostgreSQL's client programs are not on this machine")
    return make_settings(tmp_path, database_url=database_url)


@pytest.fixture
def db(database_url):
    database = Database(database_url)
    yield database
    database.close()


def test_what_was_there_comes_back(db, settings, tmp_path):
    submitted(db, settings, message="Kept")
    file = back_up(settings, tmp_path / "backups")
    submitted(db, settings, message="Written after the backup")
    db.close()
    restore(settings, file, replace=True)
    assert count(db, Inquiry) == 1
    assert contact_of(db).name == "Ada Lovelace"


def test_a_restored_backup_holds_all_mail_until_it_is_let_out(db, settings, tmp_path):
    submitted(db, settings)
    file = back_up(settings, tmp_path)
    deliver(db, Post(), settings)
    db.close()
    restore(settings, file, replace=True)
    post = Post()
    assert deliver(db, post, settings) == 0
    with db.read() as session:
        assert "A backup was restored" in control.control(session).reason
    with db.write() as session:
        control.let_out(session, None)
    assert deliver(db, post, settings) == 2


def test_who_was_erased_since_the_backup_is_erased_again(db, settings, tmp_path):
    submitted(db, settings)
    submitted(db, settings, email="bob@example.org", name="Bob")
    with db.write() as session:
        session.execute(update(Message).values(status=MessageStatus.SENDING, lease_token="t", lease_until=clock.now()))
    file = back_up(settings, tmp_path)
    with db.write() as session:
        erase(session, contact_of(db).id, None, at_rest=True)
    db.close()
    restore(settings, file, replace=True)
    with db.read() as session:
        assert session.scalars(select(Contact.name).order_by(Contact.id)).all() == ["(erased)", "Bob"]


def test_a_comment_that_was_emptied_since_the_backup_is_emptied_again_with_what_was_mailed_to_its_writer(
    db, settings, tmp_path
):
    grace = commented(db, settings, email="grace@example.org", name="Grace Hopper", published=True)
    commented(db, settings, email="bob@example.org", name="Bob", answers=grace.public_id, published=True)
    file = back_up(settings, tmp_path)
    with db.write() as session:
        erase_writer(session, "grace@example.org")
    db.close()
    restore(settings, file, replace=True)
    with db.read() as session:
        assert session.scalars(select(Comment.name).order_by(Comment.id)).all() == ["(erased)", "Bob"]
        assert session.scalars(select(CommentWriter.email_key)).all() == ["bob@example.org"]
        mails = session.scalars(select(Message).where(Message.kind != MessageKind.NOTICE)).all()
        assert mails
        assert not [mail for mail in mails if "grace" in mail.recipient or b"Grace" in mail.content]


def test_a_database_that_holds_something_is_not_lost_by_mistake(db, settings, tmp_path):
    submitted(db, settings)
    file = back_up(settings, tmp_path)
    with pytest.raises(Refusal, match="--replace"):
        restore(settings, file, replace=False)
    assert count(db, Message) == 2


def test_a_file_that_is_no_backup_changes_nothing(db, settings, tmp_path):
    submitted(db, settings)
    (tmp_path / "holiday.tar.gz").write_text("not a backup")
    with pytest.raises(Refusal, match="can't be read as a backup"):
        restore(settings, tmp_path / "holiday.tar.gz", replace=True)
    assert count(db, Inquiry) == 1


def test_a_backup_is_for_its_owner_only(db, settings, tmp_path):
    submitted(db, settings)
    assert back_up(settings, tmp_path).stat().st_mode & 0o077 == 0
