"""Who is told of what, and how staff sign."""

import pytest
from sqlalchemy import select, update

from tests.conftest import on_sqlite
from tests.factories import ADA, an_account, contact_of, messages, submitted
from tests.rooms.came import a_mail, came
from tpminstitute.accounts.models import Account, AuditEntry, Role
from tpminstitute.contacts.service import locked
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.inbox.models import Door
from tpminstitute.institute.recipients import NoticeKind, Told, ToldProblem, recipients, save_told, told
from tpminstitute.institute.signatures import keep_signature, own_signature
from tpminstitute.mail.models import MessageKind

INSTITUTE = "info@tpminstitute.org"


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session, "Alice", Role.ADMINISTRATOR).id


def choose(db, alice, kind, shown=0, **chosen):
    with db.write() as session:
        return save_told(session, kind, Told(**chosen), shown, alice)


def who(db, settings, kind):
    with db.read() as session:
        return [recipient.email for recipient in recipients(session, settings, kind)]


@pytest.mark.parametrize("kind", NoticeKind)
@on_sqlite
def test_the_institute_is_told_unless_somebody_chose_otherwise(db, settings, kind):
    assert who(db, settings, kind) == [INSTITUTE]


def test_everybody_chosen_is_told_of_an_inquiry_once(db, settings, alice):
    choose(db, alice, NoticeKind.INQUIRY, accounts=(alice,), addresses=("Desk@example.org", "alice@tpminstitute.org"))
    submitted(db, settings)
    notices = messages(db, kind=MessageKind.NOTICE)
    assert [notice.recipient for notice in notices] == [INSTITUTE, "alice@tpminstitute.org", "Desk@example.org"]
    assert notices[0].dedupe_key == "inquiry:1:notice"


@on_sqlite
def test_a_mail_found_in_the_institutes_mailbox_is_told_to_the_others_only(db, settings, alice):
    submitted(db, settings)
    choose(db, alice, NoticeKind.REPLY, accounts=(alice,))
    came(db, settings, a_mail(sender=ADA), door=Door.MAILBOX)
    told_of_it = [mail.recipient for mail in messages(db, kind=MessageKind.NOTICE, cause="received_mail:1")]
    assert told_of_it == ["alice@tpminstitute.org"]


@on_sqlite
def test_who_has_left_is_told_no_longer_and_then_it_is_the_institute(db, settings, alice):
    with db.write() as session:
        an_account(session, "Charlie", role=Role.ADMINISTRATOR)
        bob = an_account(session, "Bob").id
    choose(db, alice, NoticeKind.PROMISE, institute=False, accounts=(bob,))
    assert who(db, settings, NoticeKind.PROMISE) == ["bob@tpminstitute.org"]
    with db.write() as session:
        session.execute(update(Account).where(Account.id == bob).values(active=False))
    assert who(db, settings, NoticeKind.PROMISE) == [INSTITUTE]


@on_sqlite
def test_nobody_may_be_told_of_a_summary_but_somebody_of_an_inquiry(db, settings, alice):
    choose(db, alice, NoticeKind.WEEKLY_SUMMARY, institute=False)
    assert who(db, settings, NoticeKind.WEEKLY_SUMMARY) == []
    with pytest.raises(ToldProblem, match="somebody has to hear"):
        choose(db, alice, NoticeKind.INQUIRY, institute=False)


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"accounts": (99,)}, "no account any more"),
        ({"addresses": ("nobody",)}, "can't be used"),
        ({"addresses": tuple(f"a{n}@example.org" for n in range(11))}, "at most"),
    ],
    ids=["unknown account", "no address", "too many"],
)
@on_sqlite
def test_a_choice_that_cannot_be_is_refused_with_a_sentence(db, alice, chosen, sentence):
    with pytest.raises(ToldProblem, match=sentence):
        choose(db, alice, NoticeKind.INQUIRY, **chosen)


def test_a_stale_choice_is_refused_and_says_what_holds(db, alice):
    choose(db, alice, NoticeKind.REPLY, accounts=(alice,))
    with pytest.raises(ToldProblem, match="saved the institute, Alice while"):
        choose(db, alice, NoticeKind.REPLY, addresses=("desk@example.org",))
    with db.read() as session:
        assert told(session, NoticeKind.REPLY) == (Told(accounts=(alice,)), 1)
        [subject] = session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "setting_changed"))
    assert subject == "Who is told of “An answer that a visitor writes”: the institute to the institute, Alice"


def answered(db, settings, account_id):
    with db.write() as session:
        account = session.get_one(Account, account_id)
        reply(session, settings, locked(session, contact_of(db).id), Answer("one", "Come on Monday.", account))
    return messages(db, kind=MessageKind.REPLY)[0].content.decode()


def test_a_reply_ends_with_its_writers_own_signature(db, settings, alice):
    submitted(db, settings)
    with db.write() as session:
        keep_signature(session, alice, "Alice\r\nAdvisor, Mondays to Wednesdays")
    assert "Alice\r\nAdvisor, Mondays to Wednesdays" in answered(db, settings, alice)


@on_sqlite
def test_a_signature_is_taken_back_by_emptying_it(db, settings, alice):
    submitted(db, settings)
    for text in ("Alice, advisor", " "):
        with db.write() as session:
            keep_signature(session, alice, text)
    assert f"Alice\r\n{settings.institute_name}" in answered(db, settings, alice)


@on_sqlite
def test_a_signature_that_is_a_letter_is_refused(db, alice):
    with pytest.raises(Refusal, match="Shorten"), db.write() as session:
        keep_signature(session, alice, "W" * 301)
    with db.read() as session:
        assert own_signature(session, alice) == ""
