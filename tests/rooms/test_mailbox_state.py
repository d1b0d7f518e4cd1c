"""How far a mailbox was read: the position never goes back, and errors are sentences with a beginning."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.factories import make_settings
from tpminstitute.core import clock
from tpminstitute.core.errors import SettingsError
from tpminstitute.inbox import mailbox
from tpminstitute.inbox.mailbox import mailbox_of

NAME = "info@tpminstitute.org@imap.example.org/INBOX"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def changed(db, change, *words, **named):
    """Do it in a transaction of its own, and return the mailbox's row."""
    with db.write() as session:
        change(session, NAME, *words, **named)
    with db.read() as session:
        state = mailbox.state_of(session, NAME)
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "imaps://info%40tpminstitute.org:p%40ss%2Fword@imap.example.org",
            ("imaps", "imap.example.org", 993, "info@tpminstitute.org", "p@ss/word", "INBOX"),
        ),
        ("imap+starttls://info:word@mail:1143/Leads", ("imap+starttls", "mail", 1143, "info", "word", "Leads")),
        ("imap://info:word@mail/[Gmail]/Ask%20us", ("imap", "mail", 143, "info", "word", "[Gmail]/Ask us")),
    ],
)
def test_imap_url_says_where_the_mailbox_is(tmp_path, url, expected):
    address = mailbox_of(make_settings(tmp_path, imap_url=url))
    assert address is not None
    assert tuple(vars(address).values()) == expected
    assert address.password not in address.name


def test_without_imap_url_there_is_no_mailbox(tmp_path):
    assert mailbox_of(make_settings(tmp_path)) is None


@pytest.mark.parametrize(
    "url",
    [
        "imaps://imap.example.org/INBOX",
        "imaps://info:pass#word@imap.example.org/INBOX",
        "imaps://info:pass/word@imap.example.org/INBOX",
        "imaps://info:word@imap.example.org:99999/INBOX",
        "imaps://info:word@imap.example.org/INBOX?x=1",
        "imaps://info:wo%0D%0Ard@imap.example.org/INBOX",
        "pop3://info:word@imap.example.org",
    ],
)
def test_a_wrong_imap_url_stops_with_a_sentence_without_the_password(tmp_path, url):
    with pytest.raises(SettingsError, match="IMAP_URL is not usable") as raised:
        make_settings(tmp_path, imap_url=url)
    assert "word@" not in str(raised.value).replace("password@host", "")


def test_the_position_never_goes_back(db):
    changed(db, mailbox.begin, 7, 10)
    assert changed(db, mailbox.advance, 7, 12, None).last_uid == 12
    assert changed(db, mailbox.advance, 7, 11, None).last_uid == 12


def test_a_reader_of_another_uidvalidity_changes_nothing(db):
    changed(db, mailbox.begin, 8, 3)
    state = changed(db, mailbox.advance, 7, 90, NOON)
    assert (state.last_uid, state.taken_at) == (3, None)


@pytest.mark.parametrize(
    ("arrived", "lag"), [(NOON - timedelta(seconds=4), 4), (NOON + timedelta(hours=1), 0), (None, None)]
)
def test_the_lag_is_from_arrival_to_being_stored(db, arrived, lag):
    with time_machine.travel(NOON, tick=False):
        changed(db, mailbox.begin, 7, 0)
        state = changed(db, mailbox.advance, 7, 1, arrived)
    assert (state.lag_seconds, state.taken_at) == (lag, NOON)


def test_a_mail_dated_in_antiquity_has_a_lag_that_fits(db):
    changed(db, mailbox.begin, 7, 0)
    assert changed(db, mailbox.advance, 7, 1, datetime(1, 1, 2, tzinfo=UTC)).lag_seconds == 2**31 - 1


def test_an_error_keeps_the_moment_of_its_first_time_and_ends_with_a_look(db):
    with time_machine.travel(NOON, tick=False) as now:
        changed(db, mailbox.failed, "It can't be reached.")
        now.shift(60)
        assert changed(db, mailbox.failed, "It can't be reached.").error_at == NOON
        state = changed(db, mailbox.looked, waits=True)
    assert (state.error, state.error_at, state.waits, state.looked_at) == ("", None, True, NOON + timedelta(minutes=1))


def test_a_new_mailbox_is_begun_two_weeks_back_and_a_known_one_two_weeks_before_the_last_look(db):
    with time_machine.travel(NOON, tick=False) as now:
        assert mailbox.begins_at(None) == NOON - timedelta(days=14)
        state = changed(db, mailbox.looked, waits=False)
        now.shift(timedelta(days=100))
        assert mailbox.begins_at(state) == NOON - timedelta(days=14)
        assert clock.now() - mailbox.begins_at(state) == timedelta(days=114)
