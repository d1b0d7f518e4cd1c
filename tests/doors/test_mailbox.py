"""The mailbox: a real Dovecot, read by a process of its own; what it keeps, marks, survives and never does."""

import re
import signal
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import need
from tests.doors.mailboxes import MARKED, Reader, a_mail
from tests.factories import contact_of, count, make_settings, submitted
from tests.journeys.steps import wait_until
from tests.parts.dovecot import DovecotServer
from tests.parts.install import find_dovecot, find_openssl
from tests.parts.ports import free_port
from tests.parts.postgres import PostgresServer
from tpminstitute.core.db import Database, upgrade
from tpminstitute.core.failpoints import FailPoint
from tpminstitute.inbox.mailbox import mailbox_of
from tpminstitute.inbox.models import ReceivedContent, ReceivedMail
from tpminstitute.inbox.receive import LARGEST
from tpminstitute.timeline.queries import timeline_of
from workers import imap
from workers.imap import MailboxError, open_mailbox


@pytest.fixture
def new_reader(tmp_path):
    """`new_reader(database_url, imap_url)`: a reader that is ended with the test."""
    readers = []

    def make(database_url, imap_url, **environment):
        reader = Reader(tmp_path, database_url, imap_url, **environment)
        readers.append(reader)
        return reader

    yield make
    for reader in readers:
        reader.close()


@pytest.fixture
def reader(new_reader, sqlite_url, imap_mailbox):
    """The reader of `imap_mailbox`, not yet started."""
    return new_reader(sqlite_url, imap_mailbox.url())


@pytest.fixture
def reader_on_each(new_reader, database_url, imap_mailbox):
    """The same, once on SQLite and once on PostgreSQL."""
    return new_reader(database_url, imap_mailbox.url())


@pytest.fixture
def needs_dovecot():
    """For tests that start one of their own."""
    need(find_dovecot(), "Dovecot")
    need(find_openssl(), "openssl")


def opened(mailbox, tmp_path, **options):
    """The connection as the reader makes it, in this process."""
    address = mailbox_of(make_settings(tmp_path, imap_url=mailbox.url(**options)))
    assert address is not None
    return open_mailbox(address)


def settled(mailbox, uids, marks=MARKED):
    """Wait until just these mails carry the marks and all others none."""
    wait_until(
        lambda: {uid for uid, flags in mailbox.flags().items() if flags == marks} == set(uids), f"marks on {uids}"
    )


# --- coming in ---------------------------------------------------------------------------------------------


def test_with_idle_a_mail_is_on_the_timeline_within_five_seconds(db, settings_of, reader_on_each, imap_mailbox):
    reader = reader_on_each
    submitted(db, settings_of)
    reader.start()
    assert reader.wait_for_look().waits
    imap_mailbox.deliver(a_mail("I begin on Monday"))
    wait_until(lambda: "Wrote a mail: “I begin on Monday”." in told(db), "her mail on the timeline", timeout=5)
    settled(imap_mailbox, [1])
    state = reader.wait_for_look()
    assert (state.last_uid, state.error, state.error_at) == (1, "", None)
    assert 0 <= state.lag_seconds <= 5


@pytest.fixture
def settings_of(tmp_path, database_url):
    return make_settings(tmp_path, database_url=database_url)


def told(db):
    with db.read() as session:
        return [entry.sentence for entry in timeline_of(session, contact_of(db).id)]


def test_without_idle_a_mail_comes_in_at_the_next_look(new_reader, sqlite_url, needs_dovecot):
    with DovecotServer(idle=False) as server:
        mailbox = server.mailbox()
        reader = new_reader(sqlite_url, mailbox.url())
        reader.start()
        assert not reader.wait_for_look().waits
        mailbox.deliver(a_mail("One"))
        mailbox.deliver(a_mail("Two"))
        reader.wait_for("One", "Two")
        settled(mailbox, [1, 2])


@pytest.mark.parametrize("scheme", ["imap", "imap+starttls", "imaps"])
def test_a_mail_that_came_just_before_idle_is_heard_of_at_once(tmp_path, imap_mailbox, monkeypatch, scheme):
    monkeypatch.setenv("SSL_CERT_FILE", str(imap_mailbox.server.certificate))
    with opened(imap_mailbox, tmp_path, scheme=scheme) as box:
        box.uids_behind(0)
        imap_mailbox.append(a_mail())
        begun = time.monotonic()
        box.wait(30, 30)
        assert time.monotonic() - begun < 5


def test_a_mail_that_came_while_another_was_marked_is_heard_of_at_once(tmp_path, imap_mailbox):
    imap_mailbox.append(a_mail("One"))
    with opened(imap_mailbox, tmp_path) as box:
        (uid,) = box.uids_behind(0)
        imap_mailbox.append(a_mail("Two"))
        box.mark(uid)
        begun = time.monotonic()
        box.wait(30, 30)
        assert time.monotonic() - begun < 5
        assert box.uids_behind(uid) == [uid + 1]


def test_mails_older_than_two_weeks_are_left_alone_at_the_first_look(reader, imap_mailbox):
    now = datetime.now(UTC)
    for subject, days in (("Last year", 400), ("Last month", 30), ("Last week", 7), ("Today", 0)):
        imap_mailbox.append(a_mail(subject), msg_time=now - timedelta(days=days))
    reader.start()
    reader.wait_for("Last week", "Today")
    settled(imap_mailbox, [3, 4])


def test_a_mailbox_that_holds_only_old_mail_is_begun_behind_it(reader, imap_mailbox):
    imap_mailbox.append(a_mail("Last year"), msg_time=datetime.now(UTC) - timedelta(days=400))
    reader.start()
    assert reader.wait_for_look().last_uid == 1
    imap_mailbox.deliver(a_mail("Today"))
    reader.wait_for("Today")


def test_a_folder_with_any_name_is_read(new_reader, sqlite_url, imap_mailbox):
    imap_mailbox.append(a_mail("In a folder"), folder="Anfragen/Über & neu")
    imap_mailbox.deliver(a_mail("In the inbox"))
    reader = new_reader(sqlite_url, imap_mailbox.url(folder="Anfragen/Über & neu"))
    reader.start()
    reader.wait_for("In a folder")
    assert imap_mailbox.flags() == {1: set()}


# --- whatever happens --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "marked"), [(FailPoint.MAILBOX_BEFORE_MARK, False), (FailPoint.MAILBOX_AFTER_MARK, True)]
)
def test_a_reader_killed_after_the_commit_stores_once_and_marks_in_the_end(reader_on_each, imap_mailbox, point, marked):
    reader = reader_on_each
    imap_mailbox.deliver(a_mail("Once"))
    first = reader.start_from_nothing(FAIL_POINT=point)
    wait_until(lambda: not first.running, f"death at {point}")
    assert reader.subjects == ["Once"]
    assert imap_mailbox.flags() == {1: MARKED if marked else set()}
    reader.start()
    settled(imap_mailbox, [1])
    wait_until(lambda: reader.state.last_uid == 1, "the position")
    assert reader.subjects == ["Once"]
    assert "first=False" in reader.log


def test_a_restart_goes_on_where_reading_ended(reader, imap_mailbox):
    imap_mailbox.deliver(a_mail("Before"))
    first = reader.start()
    settled(imap_mailbox, [1])
    wait_until(lambda: reader.state.last_uid == 1, "the position")
    first.kill()
    imap_mailbox.deliver(a_mail("Meanwhile"))
    reader.start()
    reader.wait_for("Before", "Meanwhile")
    settled(imap_mailbox, [1, 2])
    assert "first=False" not in reader.log


def test_nothing_is_deleted_moved_or_changed(reader, imap_mailbox):
    mails = [a_mail(f"Letter {number}") for number in range(5)]
    for mail in mails:
        imap_mailbox.deliver(mail)
    reader.start()
    settled(imap_mailbox, range(1, 6))
    with imap_mailbox.open() as program:
        found = program.fetch(program.search(), ["BODY.PEEK[]"])
        folders = [name for _, _, name in program.list_folders()]
    assert sorted(mail[b"BODY[]"] for mail in found.values()) == sorted(mails)
    assert folders == ["INBOX"]


def test_a_mail_server_that_is_killed_and_comes_back_is_read_on(reader, imap_server, imap_mailbox):
    reader.start()
    reader.wait_for_look()
    imap_server.kill()
    reader.wait_for_error("can't be reached")
    imap_server.start()
    imap_mailbox.deliver(a_mail("Afterwards"))
    reader.wait_for("Afterwards")
    wait_until(lambda: reader.state.error == "", "the error to be over")


def test_while_the_database_is_away_nothing_is_marked_and_reading_goes_on_afterwards(new_reader, imap_mailbox):
    with PostgresServer() as server:
        url = server.create_database("tpm")
        with closing(Database(url)) as db:
            upgrade(db)
        reader = new_reader(url, imap_mailbox.url())
        reader.start()
        reader.wait_for_look()
        server.kill()
        imap_mailbox.deliver(a_mail("Kept in the mailbox"))
        reader.wait_for_log("mailbox_waits_for_database")
        assert imap_mailbox.flags() == {1: set()}
        server.start()
        reader.wait_for("Kept in the mailbox")
        settled(imap_mailbox, [1])
        reader.close()


def test_uids_that_change_their_meaning_bring_nothing_twice(reader_on_each, imap_mailbox):
    reader = reader_on_each
    for subject in ("One", "Two"):
        imap_mailbox.deliver(a_mail(subject))
    first = reader.start()
    settled(imap_mailbox, [1, 2])
    first.kill()
    imap_mailbox.delete(1)  # so that the next mail gets a number that was read before
    imap_mailbox.change_uid_validity()
    imap_mailbox.deliver(a_mail("Three"))
    reader.start()
    reader.wait_for("One", "Two", "Three")
    settled(imap_mailbox, [1, 2])


def test_two_readers_at_once_store_each_mail_once(reader_on_each, imap_mailbox):
    reader = reader_on_each
    reader.start()
    reader.start()
    wait_until(lambda: reader.log.count("mailbox_opened") == 2, "both readers")
    subjects = [f"Letter {number}" for number in range(10)]
    for subject in subjects:
        imap_mailbox.deliver(a_mail(subject))
    settled(imap_mailbox, range(1, 11))
    wait_until(lambda: reader.log.count("mail_taken_in") == 20, "both readers to be through")
    assert sorted(reader.subjects) == subjects
    assert reader.log.count("first=True") == 10
    assert not re.search(r"^\[(warning|error)", reader.log, re.MULTILINE)


@pytest.mark.parametrize("scheme", ["imap", "imaps"])
@pytest.mark.parametrize("idle", [True, False])
def test_it_stops_within_two_seconds(new_reader, sqlite_url, needs_dovecot, scheme, idle):
    with DovecotServer(idle=idle) as server:
        reader = new_reader(
            sqlite_url, server.mailbox().url(scheme), SSL_CERT_FILE=str(server.certificate), SWEEP_SECONDS="300"
        )
        process = reader.start()
        reader.wait_for_look()
        process.signal(signal.SIGTERM)
        wait_until(lambda: not process.running, "the end", timeout=2)
    assert "Traceback" not in reader.log


# --- bad mails ---------------------------------------------------------------------------------------------

BROKEN = {
    "nothing": b"",
    "octets": bytes(range(256)) * 40,
    "zeros": b"Subject: Zeros\r\n\r\n" + b"\0" * 5000,
    "a header only": b"Subject: =?utf-8?b?////?=\r\nFrom: <<>>@@\r\n",
    "no end of a part": b"Subject: Cut off\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
    "a wrong charset": a_mail(body=b"\xff\xfe\x00\xd8", Content_Type="text/plain; charset=utf-16"),
}


def test_mails_that_nobody_can_read_are_kept_and_stop_none_behind_them(db, reader_on_each, imap_mailbox):
    reader = reader_on_each
    for content in BROKEN.values():
        imap_mailbox.deliver(content)
    imap_mailbox.deliver(a_mail("Behind them"))
    reader.start()
    wait_until(lambda: "Behind them" in reader.subjects, "the mail behind the broken ones")
    settled(imap_mailbox, range(1, len(BROKEN) + 2))
    assert count(db, ReceivedMail) == count(db, ReceivedContent) == len(BROKEN) + 1


def test_a_mail_that_the_server_breaks_on_waits_and_is_told_while_others_come_in(reader, imap_mailbox):
    imap_mailbox.deliver(a_mail("Before"))
    imap_mailbox.deliver(a_mail("The server is wrong about my size"), size=5)
    imap_mailbox.deliver(a_mail("Behind"))
    reader.start()
    settled(imap_mailbox, [1, 3])
    sentence = reader.wait_for_error("could not be taken in")
    assert "1 mail in the mailbox could not be taken in (UID 2)" in sentence
    assert reader.subjects == ["Before", "Behind"]
    assert imap_mailbox.flags()[2] == set()
    assert reader.state.last_uid == 1, "what was left is looked for again after a restart"


def test_of_a_mail_of_50_mb_the_beginning_is_kept(reader, sqlite_url, imap_mailbox):
    line = b"A line that says very little, over and over again.\r\n"
    imap_mailbox.deliver(a_mail("Large", body=line * (50_000_000 // len(line))))
    imap_mailbox.deliver(a_mail("Small"))
    reader.start()
    reader.wait_for("Large", "Small", timeout=60)
    settled(imap_mailbox, [1, 2])
    with closing(Database(sqlite_url)) as db, db.read() as session:
        mail = session.query(ReceivedMail).filter_by(subject="Large").one()
        assert len(session.get_one(ReceivedContent, mail.id).content) == LARGEST
    assert "larger than 25 MB" in mail.problems[-1]


# --- connections -------------------------------------------------------------------------------------------


def test_a_wrong_password_is_told_to_staff(new_reader, sqlite_url, imap_mailbox):
    reader = new_reader(sqlite_url, imap_mailbox.url(password="guess me"))
    reader.start()
    sentence = reader.wait_for_error("refuses the name or password")
    assert "app password" in sentence
    assert "guess" not in sentence + reader.log


def test_a_folder_that_is_not_there_is_told_to_staff(new_reader, sqlite_url, imap_mailbox):
    reader = new_reader(sqlite_url, imap_mailbox.url(folder="Nowhere"))
    reader.start()
    assert "INBOX is the one" in reader.wait_for_error("The folder Nowhere can't be opened")


def test_a_server_that_is_away_is_told_to_staff(new_reader, sqlite_url):
    reader = new_reader(sqlite_url, f"imap://info:word@127.0.0.1:{free_port()}")
    reader.start()
    assert "IMAP_URL" in reader.wait_for_error("can't be reached")


@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path, imap_mailbox, scheme):
    with (
        pytest.raises(MailboxError, match=r"certificate .* isn't valid"),
        opened(imap_mailbox, tmp_path, scheme=scheme),
    ):
        pass


@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
def test_an_encrypted_mailbox_is_read(new_reader, sqlite_url, imap_mailbox, scheme):
    imap_mailbox.deliver(a_mail("Sealed"))
    reader = new_reader(sqlite_url, imap_mailbox.url(scheme), SSL_CERT_FILE=str(imap_mailbox.server.certificate))
    reader.start()
    reader.wait_for("Sealed")
    settled(imap_mailbox, [1])


def test_a_server_that_says_nothing_any_more_is_noticed(tmp_path, imap_server, imap_mailbox, monkeypatch):
    monkeypatch.setattr(imap, "ANSWER_SECONDS", 0.3)
    with pytest.raises(MailboxError, match="broke off"), opened(imap_mailbox, tmp_path) as box:
        ask_frozen(imap_server, box)


def ask_frozen(server, box):
    server.freeze()
    box.wait(0.1, 0.1)


def test_a_name_or_password_in_any_script_is_taken(tmp_path, needs_dovecot):
    with DovecotServer(password="pässwörd") as server:
        mailbox = server.mailbox()
        with opened(mailbox, tmp_path, password="pässwörd") as box:
            assert box.uids_behind(0) == []
        with pytest.raises(MailboxError, match="refuses"), opened(mailbox, tmp_path, password="passwort ü"):
            pass


def test_without_imap_url_the_command_says_so(tmp_path, new_reader, sqlite_url):
    reader = new_reader(sqlite_url, "")
    process = reader.start_from_nothing()
    wait_until(lambda: not process.running, "the end")
    assert "IMAP_URL is not set" in reader.log
