"""The doctor's word on mail that comes in."""

from datetime import timedelta

import pytest
import time_machine

from tests.factories import make_settings
from tpminstitute.core import clock
from tpminstitute.doctor.checks_mailbox import check_mailbox, check_replies
from tpminstitute.doctor.findings import Outcome
from tpminstitute.inbox import mailbox

URL = "imaps://info:word@imap.example.org"
NAME = "info@imap.example.org/INBOX"


def looked_at(db, tmp_path, *, url=URL, **fields):
    """What the doctor finds in the one line about the mailbox."""
    (finding,) = check_mailbox(db, make_settings(tmp_path, imap_url=url, **fields))
    return finding


def after_a_look(db, *, waits=True, error=""):
    with db.write() as session:
        mailbox.looked(session, NAME, waits=waits, error=error)


def test_no_mailbox_is_in_order_and_its_use_is_said(db, tmp_path):
    finding = looked_at(db, tmp_path, url="")
    assert (finding.outcome, "With IMAP_URL" in finding.says) == (Outcome.OK, True)


def test_a_mailbox_that_nobody_reads_is_wrong(db, tmp_path):
    finding = looked_at(db, tmp_path)
    assert (finding.outcome, "`tpm mailbox`" in finding.do) == (Outcome.WRONG, True)


@pytest.mark.parametrize(("waits", "how"), [(True, "IDLE"), (False, "asked every 20 s (no IDLE)")])
def test_a_mailbox_that_is_read_says_how_and_when(db, tmp_path, waits, how):
    after_a_look(db, waits=waits)
    finding = looked_at(db, tmp_path)
    assert finding.outcome is Outcome.OK
    assert how in finding.says
    assert "last look 0 s ago, no mail came yet" in finding.says


def test_the_last_mail_and_its_lag_are_said(db, tmp_path):
    with db.write() as session:
        mailbox.begin(session, NAME, 7, 0)
        mailbox.advance(session, NAME, 7, 1, clock.now() - timedelta(seconds=3))
    after_a_look(db)
    assert "last mail 0 s ago, 3 s after it arrived" in looked_at(db, tmp_path).says


@pytest.mark.parametrize(("waits", "patience"), [(True, 12 * 60), (False, 60)])
def test_a_mailbox_that_was_last_looked_at_long_ago_is_wrong(db, tmp_path, waits, patience):
    after_a_look(db, waits=waits)
    with time_machine.travel(clock.now() + timedelta(seconds=patience - 5)):
        assert looked_at(db, tmp_path).outcome is Outcome.OK
    with time_machine.travel(clock.now() + timedelta(seconds=patience + 5)):
        finding = looked_at(db, tmp_path)
    assert (finding.outcome, "Its reader has stopped" in finding.do) == (Outcome.WRONG, True)


def test_what_was_in_the_way_is_said_with_its_beginning(db, tmp_path):
    with db.write() as session:
        mailbox.failed(session, NAME, "imap.example.org refuses the name or password.")
    finding = looked_at(db, tmp_path)
    assert finding.outcome is Outcome.WRONG
    assert finding.says.startswith("imap.example.org refuses the name or password. (First 0 s ago; last look: never.)")


def test_mail_and_password_that_travel_unencrypted_are_wrong(db, tmp_path):
    finding, *_ = check_mailbox(db, make_settings(tmp_path, imap_url="imap://info:word@imap.example.org"))
    assert (finding.outcome, "unencrypted" in finding.says) == (Outcome.WRONG, True)


def test_answers_without_addresses_of_their_own_are_in_order(tmp_path):
    (finding,) = check_replies(make_settings(tmp_path))
    assert (finding.outcome, "REPLY_ADDRESS is not set" in finding.says) == (Outcome.OK, True)


def test_whether_plus_addresses_arrive_only_a_mail_can_tell(tmp_path):
    (finding,) = check_replies(make_settings(tmp_path, reply_address="info@tpminstitute.org"))
    assert finding.outcome is Outcome.UNKNOWN
    assert "`info+try@tpminstitute.org`" in finding.do
