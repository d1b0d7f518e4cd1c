"""Another address for our mails: proved by a link that is mailed there, and never taken from anybody."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import ADA, an_account, contact_of, messages, submitted
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.models import Contact, ContactAddress
from tpminstitute.contacts.own_links import own_url, read_own_link
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.tokens import Signer
from tpminstitute.mail.models import MessageKind, SuppressionReason
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppress, suppression_of
from tpminstitute.merging.duplicates import compare_waiting, dismiss
from tpminstitute.merging.queries import may_be
from tpminstitute.own_page.addresses import (
    MOST_WISHES,
    PROVED_WITHIN,
    Proved,
    ask_for_address,
    proof_url,
    prove,
    tidy,
    wish_for_address,
)
from tpminstitute.own_page.asking import MOST_A_DAY
from tpminstitute.own_page.links import Closed, open_link
from tpminstitute.privacy.erasing import erase
from tpminstitute.privacy.models import AddressWish
from tpminstitute.timeline.models import Activity, ActivityKind

NEW, BOB = "new@example.org", "bob@example.org"


@pytest.fixture
def ada(db, settings):
    """Ada wrote; the clock stands still but for what a test shifts."""
    with time_machine.travel(clock.now().replace(microsecond=0), tick=False) as clockwork:
        submitted(db, settings)
        yield clockwork


def asked(db, settings, email=NEW, of=ADA):
    """Ask for another address. Returns: the token that proves it."""
    with db.write() as session:
        ask_for_address(session, settings, locked(session, contact_of(db, of).id), read_email(email))
    with db.read() as session:
        return proof_url(settings, session.get_one(AddressWish, contact_of(db, of).id)).rpartition("/")[2]


def proved(db, settings, token):
    with db.write() as session:
        return prove(session, settings, token)


def mails_to(db, address):
    return [mail for mail in messages(db, kind=MessageKind.OWN_DATA) if mail.recipient_key == address]


def waits_for(db):
    with db.read() as session:
        wish = wish_for_address(session, contact_of(db))
        return wish and wish.email


def pairs(db):
    with db.read() as session:
        return may_be(session, contact_of(db).id)


def test_an_address_holds_once_it_was_proved_and_not_before(db, settings, ada):
    token = asked(db, settings)
    assert contact_of(db).email == ADA
    assert proved(db, settings, token) is Proved.MOVED
    moved = contact_of(db, NEW)
    assert moved.number == 2
    with db.read() as session:
        (former,) = session.scalars(select(ContactAddress))
        assert (former.email, former.account_id, former.proved_at) == (ADA, None, clock.now())
        (fact,) = session.scalars(select(Activity).where(Activity.kind == ActivityKind.CONTACT_CHANGED))
        assert ADA in fact.sentence


def test_the_former_address_is_told_and_learns_the_new_one_only_masked(db, settings, ada):
    proved(db, settings, asked(db, settings))
    (told,) = mails_to(db, ADA)
    assert "n…@example.org" in plain_text(told.content)
    assert NEW not in plain_text(told.content)


def test_whoever_reads_the_new_address_gets_no_link_to_what_is_held_before_it_was_proved(db, settings, ada):
    asked(db, settings)
    (mail,) = mails_to(db, NEW)
    words = plain_text(mail.content)
    links = [word.rpartition("/")[2] for word in words.split() if "/me/" in word]
    assert links
    assert not any(read_own_link(settings, link) for link in links)
    assert ADA not in words
    assert "Ada" not in words


def test_links_in_earlier_mails_are_void_once_the_address_has_changed(db, settings, ada):
    earlier = own_url(settings, contact_of(db).public_id, asked_for=True).rpartition("/")[2]
    ada.shift(1)
    proved(db, settings, asked(db, settings))
    with db.read() as session:
        assert open_link(session, settings, earlier) is Closed.OVER


def test_an_address_of_somebody_else_is_never_taken_and_staff_see_the_two(db, settings, ada):
    submitted(db, settings, email=BOB, name="Bob Brown")
    assert proved(db, settings, asked(db, settings, BOB)) is Proved.WAITS
    assert (contact_of(db).name, contact_of(db, BOB).name) == ("Ada Lovelace", "Bob Brown")
    ((pair, other),) = [(pair, pair.one if pair.one.email == BOB else pair.other) for pair in pairs(db)]
    assert other.email == BOB
    assert pair.why == ["One of them asked for our mails at the other’s address, and reads mail there"]
    compare_waiting(db)
    assert len(pairs(db)) == 1


@on_sqlite
def test_asking_for_an_address_that_somebody_has_looks_the_same_before_and_after_it_was_proved(db, settings, ada):
    submitted(db, settings, email=BOB)
    for email in (NEW, BOB):
        token = asked(db, settings, email)
        assert len(mails_to(db, email)) == 1
        assert waits_for(db) == email
    proved(db, settings, token)
    assert waits_for(db) == BOB


@on_sqlite
def test_two_that_staff_called_two_are_shown_again_when_one_proves_the_others_address(db, settings, ada):
    submitted(db, settings, email=BOB, name="Ada Lovelace", phone=("020 7946 0958", "+442079460958"))
    proved(db, settings, asked(db, settings, BOB))
    with db.write() as session:
        dismiss(session, pairs(db)[0].id, an_account(session).id)
    assert not pairs(db)
    proved(db, settings, asked(db, settings, BOB))
    assert len(pairs(db)) == 1


def test_who_unsubscribed_stays_unsubscribed_at_the_new_address(db, settings, ada):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.OPT_OUT)
    proved(db, settings, asked(db, settings))
    with db.read() as session:
        closed = suppression_of(session, NEW)
        assert closed
        assert closed.reason is SuppressionReason.OPT_OUT


@on_sqlite
def test_the_link_proves_for_a_day_and_once_and_only_the_newest_wish(db, settings, ada):
    earlier, token = asked(db, settings), asked(db, settings, "newer@example.org")
    assert proved(db, settings, earlier) is None
    ada.shift(PROVED_WITHIN)
    assert proved(db, settings, token) is Proved.MOVED
    assert proved(db, settings, token) is None
    late = asked(db, settings, of="newer@example.org")
    ada.shift(PROVED_WITHIN + timedelta(seconds=1))
    assert proved(db, settings, late) is None
    with db.write() as session:
        tidy(session)
        assert not session.scalars(select(AddressWish)).all()


@on_sqlite
@pytest.mark.parametrize("value", ["x", 1, None, ["a"], {"nonce": "x"}])
def test_a_signed_value_of_another_shape_proves_nothing(db, settings, ada, value):
    asked(db, settings)
    assert proved(db, settings, Signer(settings.secret_key, "me-address").sign(value)) is None


@on_sqlite
def test_a_token_of_another_purpose_proves_nothing(db, settings, ada):
    asked(db, settings)
    with db.read() as session:
        nonce = session.get_one(AddressWish, contact_of(db).id).nonce
    assert proved(db, settings, Signer(settings.secret_key, "me-stay").sign(nonce)) is None


@on_sqlite
def test_nobody_is_flooded_by_wishes_for_their_address(db, settings, ada):
    for _ in range(MOST_WISHES):
        asked(db, settings)
    assert len(mails_to(db, NEW)) == MOST_A_DAY
    with pytest.raises(Refusal, match="tomorrow"):
        asked(db, settings)


@on_sqlite
def test_the_address_that_holds_already_is_refused(db, settings, ada):
    with pytest.raises(Refusal, match="already"):
        asked(db, settings, ADA.upper())


def test_erasing_forgets_a_wish_whether_it_was_theirs_or_somebody_else_wished_for_their_address(db, settings, ada):
    submitted(db, settings, email=BOB)
    asked(db, settings, BOB)
    asked(db, settings, NEW, of=BOB)
    with db.write() as session:
        erase(session, contact_of(db, BOB).id, None)
        assert not session.scalars(select(AddressWish)).all()
        assert session.scalars(select(Contact).where(Contact.email_key == ADA)).one()
