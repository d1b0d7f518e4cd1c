"""`tpm receive`: a local mail server hands a mail over, and knows by the exit code what became of it."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.doors.mailboxes import a_mail
from tests.factories import make_settings, submitted
from tests.parts import forked
from tests.parts.ports import free_port
from tpminstitute.inbox.contents import content_of
from tpminstitute.inbox.models import Door, ReceivedContent, ReceivedMail
from tpminstitute.inbox.receive import LARGEST


@pytest.fixture
def environment(tmp_path, database_url):
    return {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "var"), "DATABASE_URL": database_url}


@pytest.fixture
def handed_over(tmp_path, environment):
    """`handed_over(mail, *options, **more)`: run the command on a mail until it ends; `more` adds to its settings."""

    def run(mail, *options, **more):
        return forked.run(forked.COMMANDS, ["receive", *options], environment | more, tmp_path, mail)

    return run


@pytest.fixture
def piped(environment):
    """The same from nothing, as a mail server does it: the mail comes through a pipe."""

    def run(mail, *options):
        command = [sys.executable, "-m", "tpminstitute.cli", "receive", *options]
        return subprocess.run(
            command, input=mail, cwd=forked.ROOT, env=environment, capture_output=True, timeout=60, check=False
        )

    return run


def stored(db):
    with db.read() as session:
        return list(session.scalars(select(ReceivedMail)))


def test_a_mail_that_was_stored_ends_with_0(db, handed_over):
    content = a_mail("By the mail server")
    done = handed_over(content, "--recipient", "info+x@tpminstitute.org", "--recipient=office@tpminstitute.org")
    assert (done.returncode, done.stderr) == (os.EX_OK, "")
    (mail,) = stored(db)
    assert (mail.subject, mail.door) == ("By the mail server", Door.COMMAND)
    assert mail.recipients[:2] == ["info+x@tpminstitute.org", "office@tpminstitute.org"]
    with db.read() as session:
        assert content_of(session, mail) == content


def test_a_mail_that_is_brought_twice_is_stored_once_and_taken_twice(db, handed_over):
    content = a_mail()
    assert [handed_over(content).returncode for _ in range(2)] == [os.EX_OK, os.EX_OK]
    assert len(stored(db)) == 1


def test_a_known_persons_mail_is_theirs(db, tmp_path, database_url, handed_over):
    inquiry = submitted(db, make_settings(tmp_path, database_url=database_url))
    handed_over(a_mail())
    (mail,) = stored(db)
    assert mail.contact_id == inquiry.contact_id


@on_sqlite
def test_while_the_database_is_away_the_mail_server_has_to_wait(handed_over):
    done = handed_over(a_mail(), DATABASE_URL=f"postgresql://tpm@127.0.0.1:{free_port()}/gone")
    assert done.returncode == os.EX_TEMPFAIL
    assert done.stderr.startswith("4.3.0 The mail could not be stored now")
    assert done.stderr.count("\n") == 1


@on_sqlite
def test_a_database_that_was_never_made_makes_the_mail_server_wait(tmp_path, handed_over):
    done = handed_over(a_mail(), DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")
    assert (done.returncode, done.stderr[:6]) == (os.EX_TEMPFAIL, "4.3.0 ")


@on_sqlite
@pytest.mark.parametrize(
    ("options", "environment", "mail", "code", "words"),
    [
        ((), {"SECRET_KEY": "short"}, a_mail(), os.EX_CONFIG, "4.3.5 SECRET_KEY needs"),
        (("--nobody",), {}, a_mail(), os.EX_USAGE, "No such option"),
        ((), {}, b"\r\n", os.EX_NOINPUT, "There was no mail"),
    ],
    ids=["setting", "usage", "nothing"],
)
def test_what_can_not_be_taken_says_why_and_stores_nothing(db, handed_over, options, environment, mail, code, words):
    done = handed_over(mail, *options, **environment)
    assert (done.returncode, words in done.stderr) == (code, True)
    assert stored(db) == []


@on_sqlite
def test_of_a_mail_of_50_mb_the_beginning_is_kept(db, piped):
    line = b"A line that says very little, over and over again.\r\n"
    assert piped(a_mail("Large", body=line * (50_000_000 // len(line)))).returncode == 0
    with db.read() as session:
        (mail,) = session.scalars(select(ReceivedMail))
        assert len(session.get_one(ReceivedContent, mail.id).content) == LARGEST
        assert "larger than 25 MB" in mail.problems[-1]
