"""Who looks after a contact: assigned, taken over, given up, by whose word, and never over a colleague's head."""

import pytest

from tests.factories import an_account, contact_of, submitted
from tpminstitute.accounts.colleagues import colleagues
from tpminstitute.accounts.models import Account, Role
from tpminstitute.contacts.owners import assign, owner_of
from tpminstitute.contacts.service import locked
from tpminstitute.core.errors import Refusal
from tpminstitute.timeline.queries import timeline_of


@pytest.fixture
def people(db, settings):
    """Alice, Bob and Rita, who only reads, by name; and Ada."""
    submitted(db, settings)
    with db.write() as session:
        accounts = [an_account(session), an_account(session, "Bob"), an_account(session, "Rita", Role.READER)]
    return {account.name: account.id for account in accounts}


def assigned(db, account_id, by, instead_of=None):
    with db.write() as session:
        return assign(session, locked(session, contact_of(db).id), account_id, by, instead_of=instead_of)


def newest(db):
    with db.read() as session:
        return timeline_of(session, contact_of(db).id)[0]


def test_an_owner_is_kept_and_the_timeline_names_them_and_whose_word_it_was(db, people):
    assert assigned(db, people["Bob"], people["Alice"])
    assert (newest(db).sentence, newest(db).actor) == ("Bob looks after them now.", "Alice")
    with db.read() as session:
        owner = owner_of(session, contact_of(db))
    assert owner is not None
    assert owner.name == "Bob"


def test_taking_over_and_giving_up_name_who_it_was_before(db, people):
    assigned(db, people["Bob"], people["Alice"])
    assigned(db, people["Alice"], people["Alice"], instead_of=people["Bob"])
    assert newest(db).sentence == "Alice looks after them now, no longer Bob."
    assigned(db, None, people["Alice"], instead_of=people["Alice"])
    assert newest(db).sentence == "Nobody looks after them now, no longer Alice."


def test_the_same_owner_again_changes_nothing(db, people):
    assigned(db, people["Bob"], people["Alice"])
    before = newest(db)
    assert not assigned(db, people["Bob"], people["Alice"])
    assert newest(db) == before


def test_a_stale_page_takes_nobody_from_a_colleague(db, people):
    assigned(db, people["Bob"], people["Bob"])
    with pytest.raises(Refusal, match="Bob looks after them by now"):
        assigned(db, people["Alice"], people["Alice"], instead_of=None)
    assert contact_of(db).owner_id == people["Bob"]


@pytest.mark.parametrize("who", ["reader", "closed", "nobody"])
def test_an_account_that_may_not_act_owns_nobody(db, people, who):
    account_id = {"reader": people["Rita"], "closed": people["Bob"], "nobody": 10**6}[who]
    if who == "closed":
        with db.write() as session:
            session.get_one(Account, account_id).active = False
    with pytest.raises(Refusal, match="can't look after contacts"):
        assigned(db, account_id, people["Alice"])
    with db.read() as session:
        able = [account.name for account in colleagues(session)]
    assert able == (["Alice"] if who == "closed" else ["Alice", "Bob"])
