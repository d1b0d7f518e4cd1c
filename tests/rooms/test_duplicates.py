"""Who may be the same person is found, cheaply, and two Annas are not."""

import pytest
from sqlalchemy import select, update

from tests.conftest import on_sqlite
from tests.factories import an_account, contact_of, submitted
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import Person, add_address, find_or_add, locked
from tpminstitute.merging.duplicates import LARGEST_BLOCK, compare_waiting, dismiss, say_two, take_up
from tpminstitute.merging.likeness import (
    DIGITS,
    DOMAIN,
    LOCAL,
    MAILBOX,
    NAME,
    PHONE,
    hints,
    likeness_of,
    mailbox_of,
    strength,
)
from tpminstitute.merging.models import DuplicatePair, LikenessKey, PairState

PHONE_NUMBER = ("+1 215 430 2201", "+12154302201")


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


def known(db, *people):
    """Add contacts: pairs of a name and an address, or with a phone number as well."""
    with db.write() as session:
        for name, email, *phone in people:
            typed, e164 = phone[0] if phone else ("", None)
            find_or_add(session, Person(name, read_email(email), typed, e164))


def pairs(db, state=PairState.OPEN):
    """Compare whoever waits; return the pairs by their addresses."""
    compare_waiting(db)
    with db.read() as session:
        rows = session.execute(
            select(DuplicatePair.low_id, DuplicatePair.high_id, DuplicatePair.why)
            .where(DuplicatePair.state == state)
            .order_by(DuplicatePair.low_id, DuplicatePair.high_id)
        ).all()
        address = dict(session.execute(select(Contact.id, Contact.email_key)).all())
    return [(address[low], address[high], why) for low, high, why in rows]


def alike(one, other):
    """By what two people with frequent names are alike."""
    two = (likeness_of(name, [email], *(phone or (None, ""))) for name, email, phone in (one, other))
    return hints(*two, rare_name=False)


# --- by what -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada+news@example.org", "ada@example.org"),
        ("ada.lovelace@gmail.com", "adalovelace@gmail.com"),
        ("a.d.a+x@googlemail.com", "ada@gmail.com"),
        ("ada@googlemail.com", "ada@gmail.com"),
    ],
)
def test_addresses_that_lead_to_one_mailbox_are_alike(one, other):
    assert mailbox_of(one) == mailbox_of(other)
    assert MAILBOX in alike(("Ada", one, None), ("A totally different name", other, None))


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.da@example.org", "ada@example.org"), ("+@example.org", "+a@example.org"), ("ada@a.example", "ada@b.example")],
)
def test_other_addresses_are_not_one_mailbox(one, other):
    assert mailbox_of(one) != mailbox_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada Lovelace", "Lovelace, Ada"),
        ("Ada Lovelace", "ADA LOVELACE"),
        ("Zoë Müller", "Zoe Muller"),
        ("Ada Lovelace", "Ada Lovelase"),
        ("Ada Lovelace", "Ada Lvoelace"),
        ("Ada Lovelace", "A. Lovelace"),
        ("Ada King Lovelace", "Ada Lovelace"),
    ],
)
def test_near_names_that_many_have_count_beside_a_common_organisation_and_never_alone(one, other):
    assert alike((one, "ada@acme.example", None), (other, "al@acme.example", None)) == [DOMAIN, NAME]
    assert alike((one, "ada@gmail.com", None), (other, "al@gmail.com", None)) == []
    assert alike((one, "ada@a.example", None), (other, "al@b.example", None)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("Anna Meyer", "Anna Schmidt"), ("Anna", "Anne"), ("Ann Lee", "Bob Lee"), ("Ada Lovelace", ""), ("", "")],
)
def test_two_annas_of_one_organisation_are_two(one, other):
    assert alike((one, "anna@acme.example", None), (other, "a.m@acme.example", None)) == []


def test_the_same_phone_number_is_enough_and_its_last_digits_are_not():
    ada, partner = ("Ada Lovelace", "ada@gmail.com"), ("William King", "will@yahoo.com")
    assert alike((*ada, ("+12154302201", "x")), (*partner, ("+12154302201", "y"))) == [PHONE]
    assert alike((*ada, ("+12154302201", "x")), (*partner, (None, "430-2201"))) == []
    assert alike((*ada, ("+12154302201", "x")), ("Ada Lovelace", "al@yahoo.com", (None, "430-2201"))) == [DIGITS, NAME]


def test_the_same_beginning_of_an_address_counts_beside_a_near_name():
    ada = ("Ada Lovelace", "ada.lovelace@gmail.com", None)
    assert alike(ada, ("Ada Lovelace", "adalovelace@acme.example", None)) == [LOCAL, NAME]
    assert alike(("Info", "info@a.example", None), ("Info", "info@b.example", None)) == []


# --- found -------------------------------------------------------------------------------------------------


def test_whoever_is_new_is_compared_with_everybody_else(db):
    known(db, ("Ada Lovelace", "ada@gmail.com"), ("Anna Meyer", "anna@gmail.com"))
    assert pairs(db) == []
    known(db, ("Ada L.", "a.d.a@googlemail.com"))
    assert pairs(db) == [("ada@gmail.com", "a.d.a@googlemail.com", [MAILBOX, NAME])]


@pytest.mark.parametrize("again", ["Priya Natarajan", "Natarajan, Priya", "PRIYA NATARÁJAN"])
def test_the_same_rare_name_at_two_providers_is_found(db, again):
    known(db, ("Priya Natarajan", "priya.n@gmail.com"), ("Anna Meyer", "anna@gmail.com"))
    assert pairs(db) == []
    known(db, (again, "pnat@outlook.com"))
    assert pairs(db) == [("priya.n@gmail.com", "pnat@outlook.com", [NAME])]


def test_a_name_that_several_have_says_nothing_by_itself(db):
    known(db, *(("Maria Garcia", f"m{n}@gmail.com") for n in range(4)))
    assert pairs(db) == []


def test_a_single_word_is_no_name_that_says_something_by_itself(db):
    known(db, ("Priya", "priya.n@gmail.com"), ("Priya", "pnat@outlook.com"))
    assert pairs(db) == []


def test_a_pair_that_has_only_its_name_in_common_comes_after_the_others(db):
    assert strength([NAME]) < min(strength([hint, NAME]) for hint in (DIGITS, DOMAIN, LOCAL))
    assert strength([NAME]) < min(strength([hint]) for hint in (MAILBOX, PHONE))


def test_what_staff_change_is_compared_again(db):
    known(db, ("Ada Lovelace", "ada@acme.example"), ("Bob", "bob@acme.example"))
    assert pairs(db) == []
    with db.write() as session:
        session.execute(update(Contact).where(Contact.name == "Bob").values(name="Lovelace Ada"))
    assert len(pairs(db)) == 1
    with db.write() as session:
        session.execute(update(Contact).where(Contact.name == "Lovelace Ada").values(name="Bob"))
    assert pairs(db) == []


def test_a_further_address_counts(db, alice):
    known(db, ("Ada Lovelace", "ada@example.org"), ("Al", "al@gmail.com"))
    assert pairs(db) == []
    with db.write() as session:
        add_address(session, locked(session, contact_of(db).id), read_email("a.l@gmail.com"), alice.id)
    assert pairs(db) == [("ada@example.org", "al@gmail.com", [MAILBOX])]


@on_sqlite
def test_a_pair_that_was_dismissed_is_not_shown_again(db, alice):
    known(db, ("Ada", "ada@gmail.com", PHONE_NUMBER), ("William", "will@gmail.com", PHONE_NUMBER))
    assert len(pairs(db)) == 1
    with db.write() as session:
        dismiss(session, session.scalars(select(DuplicatePair.id)).one(), alice.id)
    for phone in (None, PHONE_NUMBER[1]):
        with db.write() as session:
            session.execute(update(Contact).values(phone_e164=phone, phone_typed=phone or ""))
        assert pairs(db) == []
    with db.write() as session:
        take_up(session, session.scalars(select(DuplicatePair.id)).one())
    assert len(pairs(db)) == 1


@on_sqlite
def test_two_people_by_a_persons_word_are_no_pair_even_before_they_were_one(db, alice):
    known(db, ("Ada", "ada@gmail.com", PHONE_NUMBER), ("William", "will@gmail.com", PHONE_NUMBER))
    with db.write() as session:
        say_two(session, 1, 2, alice.id)
    assert pairs(db) == []


@on_sqlite
def test_what_very_many_share_says_nothing_and_costs_nothing(db):
    people = [(f"Person {n}", f"p{n}@gmail.com", PHONE_NUMBER) for n in range(LARGEST_BLOCK + 20)]
    known(db, *people)
    assert pairs(db) == []
    with db.read() as session:
        keys = session.scalars(select(LikenessKey.key)).all()
    assert max(keys.count(key) for key in set(keys)) == LARGEST_BLOCK


@on_sqlite
def test_who_writes_by_the_form_waits_to_be_compared(db, settings):
    submitted(db, settings, email="ada@gmail.com")
    submitted(db, settings, email="ada+guide@gmail.com")
    assert [(one, other) for one, other, _ in pairs(db)] == [("ada@gmail.com", "ada+guide@gmail.com")]
