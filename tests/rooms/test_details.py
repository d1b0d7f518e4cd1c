"""Who a contact is: changed without overwriting a colleague or losing an address, and put in by hand."""

import pytest
from sqlalchemy import select

from tests.doors.mails import came_in
from tests.factories import ADA, an_account, contact_of, messages, submitted
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.models import Contact, ContactAddress
from tpminstitute.contacts.owners import assign
from tpminstitute.contacts.service import by_public_id, knows_address, locked
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.details import Details, Known, StaleContact, add_by_hand, change_details
from tpminstitute.inbox.opt_out import opt_out
from tpminstitute.mail.models import MessageKind, SuppressionReason
from tpminstitute.mail.queries import html, plain_text
from tpminstitute.mail.suppression import suppress, suppression_of
from tpminstitute.pipeline.service import lead_of
from tpminstitute.timeline.queries import timeline_of

NEW = "ada.king@example.org"


@pytest.fixture
def alice(db, settings):
    """Alice; and Ada, who wrote."""
    submitted(db, settings)
    with db.write() as session:
        return an_account(session)


def details(name="Ada King", email=ADA, phone="", e164=None):
    return Details(name, read_email(email), phone, e164)


def changed(db, settings, alice, number=1, whose=ADA, **fields):
    with db.write() as session:
        return change_details(
            session, settings, locked(session, contact_of(db, whose).id), details(**fields), number, alice.id
        )


def newest(db, email=ADA):
    with db.read() as session:
        return timeline_of(session, contact_of(db, email).id)[0]


def test_a_change_is_kept_counted_and_said_with_what_it_was(db, settings, alice):
    assert changed(db, settings, alice, phone="020 7946 0958", e164="+442079460958")
    ada = contact_of(db)
    assert (ada.name, ada.phone_e164, ada.number) == ("Ada King", "+442079460958", 2)
    assert newest(db).sentence == ("Changed who they are: the name was “Ada Lovelace”, the phone number was not known.")
    assert newest(db).actor == "Alice"
    assert ada.time_zone == "Europe/London"


def test_a_phone_number_that_was_understood_stays_so_when_only_the_name_changes(db, settings, alice):
    submitted(db, settings, email="eve@example.org", name="Eve", phone=("020 7946 0958", "+442079460958"))
    changed(db, settings, alice, whose="eve@example.org", email="eve@example.org", phone="020 7946 0958")
    assert contact_of(db, "eve@example.org").phone_e164 == "+442079460958"


def test_what_is_so_already_changes_nothing(db, settings, alice):
    assert not changed(db, settings, alice, name="Ada Lovelace")
    assert contact_of(db).number == 1


def test_a_stale_page_overwrites_nobody(db, settings, alice):
    changed(db, settings, alice)
    with pytest.raises(StaleContact, match="what you typed is still here"):
        changed(db, settings, alice, name="Ada Byron")
    assert contact_of(db).name == "Ada King"
    assert changed(db, settings, alice, number=2, name="Ada Byron")


def test_a_former_address_stays_theirs_and_mail_from_it_is_still_known(db, settings, alice):
    changed(db, settings, alice, email=NEW)
    with db.read() as session:
        assert knows_address(session, contact_of(db, NEW), ADA)
    came_in(db, settings, text="It is still me.")
    with db.read() as session:
        assert session.scalars(select(Contact.email_key)).all() == [NEW]


def test_going_back_to_a_former_address_swaps_the_two(db, settings, alice):
    changed(db, settings, alice, email=NEW)
    changed(db, settings, alice, number=2, whose=NEW)
    with db.read() as session:
        assert session.scalars(select(ContactAddress.email_key)).all() == [NEW]
    assert contact_of(db).email_key == ADA


def test_the_same_address_in_other_letters_is_no_further_address(db, settings, alice):
    changed(db, settings, alice, email="Ada@Example.org")
    assert contact_of(db).email == "Ada@example.org"
    with db.read() as session:
        assert session.scalars(select(ContactAddress)).all() == []


def test_an_address_of_another_contact_is_not_taken(db, settings, alice):
    submitted(db, settings, email="charlie@outside.example")
    with pytest.raises(Refusal, match="belongs to another contact"):
        changed(db, settings, alice, email="charlie@outside.example")
    assert contact_of(db).name == "Ada Lovelace"


def test_who_unsubscribed_stays_unsubscribed_at_a_new_address(db, settings, alice):
    with db.write() as session:
        opt_out(session, contact_of(db))
    changed(db, settings, alice, email=NEW)
    with db.read() as session:
        kept = suppression_of(session, NEW)
    assert kept is not None
    assert kept.reason is SuppressionReason.OPT_OUT


def test_an_address_that_bounced_says_nothing_about_the_new_one(db, settings, alice):
    with db.write() as session:
        suppress(session, ADA, SuppressionReason.HARD_BOUNCE)
    changed(db, settings, alice, email=NEW)
    with db.read() as session:
        assert suppression_of(session, NEW) is None


def test_a_caller_is_put_in_with_a_lead_and_by_whose_hand(db, settings, alice):
    with db.write() as session:
        contact = add_by_hand(session, details("Charlie", "charlie@outside.example"), alice.id)
    with db.read() as session:
        assert lead_of(session, contact.id) is not None
        told = {(entry.sentence, entry.actor) for entry in timeline_of(session, contact.id)}
    assert ("Put in by hand.", "Alice") in told


@pytest.mark.parametrize("former", [False, True])
def test_who_is_known_already_is_not_put_in_twice(db, settings, alice, former):
    if former:
        changed(db, settings, alice, email=NEW)
    with pytest.raises(Known) as known, db.write() as session:
        add_by_hand(session, details(), alice.id)
    with db.read() as session:
        found = by_public_id(session, known.value.public_id)
        assert found is not None
        assert found.email_key == (NEW if former else ADA)


@pytest.mark.parametrize("way", ["form", "mail"])
def test_the_notice_names_who_looks_after_the_writer(db, settings, alice, way):
    with db.write() as session:
        assign(session, locked(session, contact_of(db).id), alice.id, alice.id, instead_of=None)
    if way == "form":
        submitted(db, settings, message="Another question")
    else:
        came_in(db, settings, text="Another question")
    first, *_, newest_notice = messages(db, kind=MessageKind.NOTICE)
    assert "Advisor:    Alice" in plain_text(newest_notice.content)
    assert "Advisor" in html(newest_notice.content)
    assert "Advisor" not in plain_text(first.content)
