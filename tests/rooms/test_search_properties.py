"""Whatever was stored is found by each of its words, and whatever happens, the index is what it would be made anew."""

from unicodedata import normalize

import hypothesis.strategies as st
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from sqlalchemy import delete, select, update

from tests.factories import a_submission, an_account
from tests.rooms.test_search import index_of
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact, ContactTag, Note
from tpminstitute.contacts.tags import add_tag
from tpminstitute.core import clock
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.inbox.submit import submit_inquiry
from tpminstitute.lists.search import matching_ids
from tpminstitute.lists.search_expressions import Term
from tpminstitute.lists.search_passages import marked
from tpminstitute.lists.search_typed import read_typed
from tpminstitute.lists.search_upkeep import rebuild, settle

TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30) | st.lists(
    st.sampled_from(["ada", "ADA", "müller", "学习", "o’brien", "215-430-2201", "a@b.example", "x_y", "don't"]),
    max_size=4,
).map(" ".join)

few = effort(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@few
@given(text=TEXTS.filter(str.strip))
def test_whatever_was_stored_is_found_by_each_of_its_words(db, settings, text):
    with db.write() as session:
        public_id = submit_inquiry(session, settings, a_submission(message=text))
        contact_id = session.scalars(select(Inquiry.contact_id).where(Inquiry.public_id == public_id)).one()
    settle(db)
    with db.read() as session:
        for word in text.split():
            if read_typed(word).parts:
                assert contact_id in matching_ids(session, word, 100).ids, word
                assert contact_id in matching_ids(session, f'"{word.replace(chr(34), "")}"', 100).ids, word


@given(text=TEXTS, typed=TEXTS)
def test_marks_change_nothing_of_a_text_but_its_white_space(text, typed):
    for part in read_typed(typed).parts:
        pieces = marked(text, Term(part.words, begins=True))
        assert "".join(piece.text for piece in pieces) == " ".join(normalize("NFC", text).split())


PEOPLE = [f"r{number}@example.org" for number in range(3)]
WORDS = ("zeppelin", "balloon", "Müller", "学习", "begin", "215 430 2201")


def write(session, settings, alice, one, other, words):
    submit_inquiry(session, settings, a_submission(email=one, name=f"Reader {words}", message=words))


def note(session, settings, alice, one, other, words):
    for contact_id in ids(session, one):
        session.add(Note(contact_id=contact_id, account_id=alice.id, body=words, at=clock.now()))


def edit(session, settings, alice, one, other, words):
    session.execute(update(Note).where(Note.contact_id.in_(ids(session, one))).values(body=words))


def drop(session, settings, alice, one, other, words):
    session.execute(delete(Note).where(Note.contact_id.in_(ids(session, one))))


def tag(session, settings, alice, one, other, words):
    for contact_id in ids(session, one):
        add_tag(session, contact_id, words, alice.id)


def untag(session, settings, alice, one, other, words):
    session.execute(delete(ContactTag).where(ContactTag.contact_id.in_(ids(session, one))))


def rename(session, settings, alice, one, other, words):
    session.execute(update(Contact).where(Contact.email_key == one).values(name=words))


def move(session, settings, alice, one, other, words):
    for model in (Inquiry, Note):
        for to in ids(session, other):
            session.execute(update(model).where(model.contact_id.in_(ids(session, one))).values(contact_id=to))


def set_apart(session, settings, alice, one, other, words):
    session.execute(update(Inquiry).where(Inquiry.email == one).values(state=InquiryState.SUSPECTED))


def ids(session, email):
    return session.scalars(select(Contact.id).where(Contact.email_key == email)).all()


DOINGS = (write, note, edit, drop, tag, untag, rename, move, set_apart)


@few
@given(
    st.lists(
        st.tuples(
            st.sampled_from((*DOINGS, settle)), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.sampled_from(WORDS)
        ),
        max_size=15,
    )
)
def test_the_index_is_always_the_one_that_would_be_made_anew(db, settings, doings):
    with db.write() as session:
        alice = session.scalar(select(Account)) or an_account(session)
    for do, one, other, words in doings:
        if do is settle:
            settle(db)
            continue
        with db.write() as session:
            do(session, settings, alice, one, other, words)
    settle(db)
    kept = index_of(db)
    rebuild(db)
    assert index_of(db) == kept
