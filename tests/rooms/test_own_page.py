"""What is held about a person, shown to themselves: what each link opens, and asking for one."""

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import ADA, an_account, contact_of, count, messages, submitted
from tests.rooms.post import Post
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.own_links import own_url, read_own_link
from tpminstitute.core import clock
from tpminstitute.core.tokens import Signer
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.inbox.story import Place
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message, MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppress
from tpminstitute.merging.choices import Choices
from tpminstitute.merging.service import merge
from tpminstitute.own_page import told
from tpminstitute.own_page.asking import MOST_A_DAY, MOST_OF_A_NETWORK, TooOften, ask_by_address
from tpminstitute.own_page.links import LASTS, OPENS_ALL, Closed, open_link, void_links
from tpminstitute.privacy.erasing import erase

BOB = "bob@example.org"
AT_HOME = "127.0.0.1"


@pytest.fixture
def ada(db, settings):
    """Ada wrote; the clock stands still but for what a test shifts."""
    with time_machine.travel(clock.now().replace(microsecond=0), tick=False) as clockwork:
        submitted(db, settings, message="A question that is mine alone")
        yield clockwork


def token_of(url):
    return url.rpartition("/")[2]


def opened(db, settings, token):
    with db.read() as session:
        return open_link(session, settings, token)


def link(settings, db, email=ADA, *, asked_for=False):
    return token_of(own_url(settings, contact_of(db, email).public_id, asked_for=asked_for))


def asked(db, settings, email, network=AT_HOME):
    with db.write() as session:
        ask_by_address(session, settings, read_email(email), network)


def mailed(db):
    return messages(db, kind=MessageKind.OWN_DATA)


def talk(db, settings, *, all):
    with db.read() as session:
        return told.talk_of(session, contact_of(db), Place(), all=all).letters


# --- what a link opens -------------------------------------------------------------------------------------


def test_a_link_from_a_mail_opens_the_page_and_not_everything(db, settings, ada):
    found = opened(db, settings, link(settings, db))
    assert (found.contact.email, found.all) == (ADA, False)


def test_a_link_that_was_asked_for_opens_everything_for_an_hour(db, settings, ada):
    token = link(settings, db, asked_for=True)
    ada.shift(OPENS_ALL)
    assert opened(db, settings, token).all
    ada.shift(timedelta(seconds=1))
    assert not opened(db, settings, token).all


@on_sqlite
def test_a_link_is_over_after_ninety_days(db, settings, ada):
    token = link(settings, db, asked_for=True)
    ada.shift(LASTS)
    assert not opened(db, settings, token).all
    ada.shift(timedelta(seconds=1))
    assert opened(db, settings, token) is Closed.OVER


@on_sqlite
@pytest.mark.parametrize("purpose", ["unsubscribe", "comment-own", "me-address"])
def test_a_token_of_another_purpose_opens_nothing(db, settings, ada, purpose):
    value = [contact_of(db).public_id, int(clock.now().timestamp() * 1000), 1]
    assert opened(db, settings, Signer(settings.secret_key, purpose).sign(value)) is Closed.UNKNOWN


@on_sqlite
@pytest.mark.parametrize("value", ["x", [1], [1, 2, 3], ["x", 10**30, 1], ["x", None, 1], {"a": 1}, ["nobody", 1, 1]])
def test_a_signed_value_of_another_shape_opens_nothing(db, settings, ada, value):
    assert opened(db, settings, Signer(settings.secret_key, "me").sign(value)) is Closed.UNKNOWN


def test_links_that_were_made_void_are_over_and_later_ones_are_not(db, settings, ada):
    before = link(settings, db)
    ada.shift(1)
    with db.write() as session:
        void_links(session, contact_of(db), clock.now())
    assert opened(db, settings, before) is Closed.OVER
    assert opened(db, settings, link(settings, db)).contact.email == ADA


def test_the_link_of_somebody_who_was_erased_says_so(db, settings, ada):
    token = link(settings, db, asked_for=True)
    with db.write() as session:
        erase(session, contact_of(db).id, None)
    assert opened(db, settings, token) is Closed.ERASED


def test_the_link_of_a_merged_contact_opens_the_one_that_remains_until_links_are_made_void(db, settings, ada):
    submitted(db, settings, email=BOB)
    token = link(settings, db, BOB)
    with db.write() as session:
        ada_id, bob_id = contact_of(db).id, contact_of(db, BOB).id
        merge(session, ada_id, bob_id, Choices(), an_account(session).id)
    assert opened(db, settings, token).contact.email == ADA
    ada.shift(1)
    with db.write() as session:
        void_links(session, contact_of(db), clock.now())
    assert opened(db, settings, token) is Closed.OVER


# --- asking for one ----------------------------------------------------------------------------------------


def test_who_has_the_address_gets_a_link_that_opens_everything(db, settings, ada):
    asked(db, settings, ADA.upper())
    (mail,) = mailed(db)
    urls = re.findall(r"http\S+/me/[\w.~-]+", plain_text(mail.content))
    assert mail.recipient_key == ADA
    read = [read_own_link(settings, token_of(url)) for url in urls]
    assert [link.asked_for for link in read if link] == [True, False]


def test_an_address_that_nobody_has_gets_no_mail(db, settings, ada):
    asked(db, settings, BOB)
    assert not mailed(db)


@on_sqlite
def test_known_and_unknown_addresses_are_counted_alike(db, settings, ada):
    for email in (ADA, BOB):
        for _ in range(MOST_A_DAY + 2):
            asked(db, settings, email)
    assert len(mailed(db)) == MOST_A_DAY


def test_an_address_gets_three_a_day_and_more_on_the_next(db, settings, ada):
    for _ in range(MOST_A_DAY + 1):
        asked(db, settings, ADA)
    assert len(mailed(db)) == MOST_A_DAY
    ada.shift(timedelta(days=1, seconds=1))
    asked(db, settings, ADA)
    assert len(mailed(db)) == MOST_A_DAY + 1


@on_sqlite
def test_a_network_that_asks_about_everybody_is_stopped(db, settings, ada):
    for number in range(MOST_OF_A_NETWORK):
        asked(db, settings, f"somebody{number}@example.org", "203.0.113.7")
    with pytest.raises(TooOften):
        asked(db, settings, ADA, "203.0.113.9")
    assert not mailed(db)


@pytest.mark.parametrize(
    ("reason", "status"),
    [(SuppressionReason.OPT_OUT, MessageStatus.SENT), (SuppressionReason.HARD_BOUNCE, MessageStatus.SUPPRESSED)],
)
def test_who_unsubscribed_still_gets_the_link_and_a_dead_address_does_not(db, settings, ada, reason, status):
    with db.write() as session:
        suppress(session, ADA, reason)
    asked(db, settings, ADA)
    deliver(db, Post(), settings)
    assert mailed(db)[0].status is status


# --- what it shows -----------------------------------------------------------------------------------------


@pytest.fixture
def answered(db, settings, ada):
    """Alice answered, and the mails went out."""
    with db.write() as session:
        reply(session, settings, contact_of(db), Answer("1", "Come on Monday.", an_account(session)))
    deliver(db, Post(), settings)


def test_everything_shows_their_words_and_ours_newest_first(db, settings, answered):
    letters = talk(db, settings, all=True)
    assert [letter.ours for letter in letters] == [True, True, False]
    assert letters[0].words.startswith("Come on Monday.")
    assert letters[-1].words == "A question that is mine alone"


def test_no_letter_on_the_page_holds_a_link_of_its_own(db, settings, answered):
    assert not any("/me/" in letter.words for letter in talk(db, settings, all=True))


def test_a_link_from_a_mail_shows_what_was_sent_to_the_address_and_none_of_their_words(db, settings, answered):
    letters = talk(db, settings, all=False)
    assert [letter.words for letter in letters if not letter.ours] == [""]
    assert "mine alone" not in " ".join(letter.words for letter in letters)


def test_a_mail_to_an_earlier_address_is_shown_only_where_everything_is(db, settings, answered):
    with db.write() as session:
        for mail in session.scalars(select(Message).where(Message.kind == MessageKind.REPLY)):
            mail.recipient = mail.recipient_key = BOB
    assert "Come on Monday." not in " ".join(letter.words for letter in talk(db, settings, all=False))
    assert "Come on Monday." in " ".join(letter.words for letter in talk(db, settings, all=True))


@on_sqlite
def test_looking_at_it_writes_nothing(db, settings, ada):
    before = count(db, Message)
    opened(db, settings, link(settings, db))
    assert count(db, Message) == before
