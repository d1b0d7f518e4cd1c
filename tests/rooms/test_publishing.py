"""A question and its answer are published anonymised, with the asker's consent, and taken back at any time."""

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from tests.conftest import on_sqlite
from tests.factories import ADA, an_account, contact_of, messages, submitted
from tests.parts import lint
from tests.rooms.commented import CHAPTER
from tpminstitute.comments import publishing
from tpminstitute.comments.anonymous import anonymised, traces_of
from tpminstitute.comments.chapters import edition_of
from tpminstitute.comments.links import answer_of_publication, own_token, publication_url
from tpminstitute.comments.models import PublicationState, PublishedAnswer
from tpminstitute.comments.publishing import Draft, PublishProblem
from tpminstitute.comments.queries import counts, published_answers
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.inbox.questions import exchange_of
from tpminstitute.mail.models import MessageKind, MessageStatus, SuppressionReason
from tpminstitute.mail.queries import plain_text
from tpminstitute.mail.suppression import suppress
from tpminstitute.merging.choices import Choices
from tpminstitute.merging.service import merge
from tpminstitute.privacy.erasing import erase
from tpminstitute.timeline.queries import timeline_of

DRAFT = Draft("a" * 20, CHAPTER, "How do I begin?", "Watch *one* project.")


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


@pytest.fixture
def ada(db, settings):
    submitted(db, settings)
    return contact_of(db)


def agreed(db, ada, alice, draft=DRAFT, how="On the phone, 3 November"):
    with db.write() as session:
        return publishing.publish_with_consent(session, locked(session, ada.id), alice, draft, how, None)


def asked(db, settings, ada, alice, draft=DRAFT):
    with db.write() as session:
        return publishing.ask_consent(session, settings, locked(session, ada.id), alice, draft, None)


def on_it(db, public_id, act, *more):
    with db.write() as session:
        act(session, publishing.by_public_id(session, public_id, lock=True), *more)


def public(db):
    with db.read() as session:
        return [one.question for one in published_answers(session, CHAPTER)]


def row_of(db, public_id):
    with db.read() as session:
        return publishing.by_public_id(session, public_id)


# --- anonymous ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Dear Alice,\n\nI am Ada Lovelace.", "I am (name left out)."),
        ("Write to ada@example.org or A.Lovelace@work.example.", "Write to (address left out) or (address left out)."),
        ("Call 020 7946 0958 or +1 (215) 430-2201.", "Call (number left out) or (number left out)."),
        ("From 2019-2023 I led 12 teams, since 2024-03-01.", "From 2019-2023 I led 12 teams, since 2024-03-01."),
        ("Best, Ada\nLovelace Consulting", "Best, (name left out)\n(name left out) Consulting"),
        ("Canada is far.", "Canada is far."),
    ],
)
def test_names_addresses_and_numbers_are_taken_out(text, left):
    assert anonymised(text, ["Ada Lovelace"], ["ada@example.org"]) == left


def test_what_still_says_who_asked_is_found():
    assert traces_of("I am ADA LOVELACE, ada@example.org", ["Ada Lovelace"], ["ada@example.org"]) == [
        "ada@example.org",
        "Ada Lovelace",
    ]


def test_a_reply_comes_with_what_it_answered_in_the_words_of_both(db, settings, ada, alice):
    with db.write() as session:
        reply(session, settings, locked(session, ada.id), Answer("key", "Watch one project.", alice))
    (message,) = messages(db, kind=MessageKind.REPLY)
    with db.read() as session:
        found = exchange_of(session, ada.id, message.id)
        assert exchange_of(session, ada.id, message.id + 1) is None
        assert exchange_of(session, ada.id + 1, message.id) is None
    assert found is not None
    assert found.question == "How do I begin?"
    assert found.answer.startswith("Watch one project.")


# --- consent -----------------------------------------------------------------------------------------------


def test_what_its_asker_agreed_to_is_public_with_the_consent_on_record(db, ada, alice):
    public_id = agreed(db, ada, alice)
    row = row_of(db, public_id)
    assert public(db) == ["How do I begin?"]
    assert row.consent == "Alice notes: On the phone, 3 November"
    assert row.edition == edition_of(CHAPTER)
    with db.read() as session:
        assert counts(session)[CHAPTER].answers == 1
        assert any("Published a question" in one.sentence for one in timeline_of(session, ada.id, None))


def test_a_form_sent_twice_publishes_once(db, settings, ada, alice):
    assert agreed(db, ada, alice) == agreed(db, ada, alice)
    assert len(public(db)) == 1


@on_sqlite
@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("consent", {}),
        ("chapter", {"chapter": "contact-us"}),
        ("question", {"question": " "}),
        ("answer", {"answer": "x" * 5001}),
        ("question", {"question": "I am ada lovelace. How?"}),
        ("answer", {"answer": "I write to ada@example.org."}),
    ],
)
def test_what_has_to_be_mended_first_is_named(db, ada, alice, field, changed):
    draft = Draft(
        **({"key": "b" * 20} | {name: getattr(DRAFT, name) for name in ("chapter", "question", "answer")} | changed)
    )
    with pytest.raises(PublishProblem) as refused:
        agreed(db, ada, alice, draft, how="" if field == "consent" else "By phone")
    assert refused.value.field == field
    assert public(db) == []


def test_the_database_publishes_nothing_without_consent(db, ada, alice):
    values = {"contact_id": ada.id, "chapter": CHAPTER, "edition": "", "question": "q", "answer": "a"}
    values |= {
        "public_id": "c",
        "account_id": alice.id,
        "state": "published",
        "consent": "",
        "published_at": clock.now(),
    }
    with pytest.raises(DBAPIError), db.write() as session:
        session.execute(insert(PublishedAnswer).values(values))


def test_who_is_asked_by_mail_says_yes_and_takes_it_back(db, settings, ada, alice):
    public_id = asked(db, settings, ada, alice)
    assert public(db) == []
    (mail,) = messages(db, kind=MessageKind.PUBLICATION)
    lint.check(mail.content)
    row = row_of(db, public_id)
    url = publication_url(settings, row)
    assert url in plain_text(mail.content)
    assert answer_of_publication(settings, url.rpartition("/")[2]) == public_id
    on_it(db, public_id, publishing.agree)
    on_it(db, public_id, publishing.agree)
    assert public(db) == ["How do I begin?"]
    assert "without my name" in row_of(db, public_id).consent
    on_it(db, public_id, publishing.decline)
    assert public(db) == []
    with pytest.raises(Refusal, match="withdrawn"):
        on_it(db, public_id, publishing.agree)


def test_who_says_no_may_still_say_yes(db, settings, ada, alice):
    public_id = asked(db, settings, ada, alice)
    on_it(db, public_id, publishing.decline)
    assert row_of(db, public_id).state is PublicationState.DECLINED
    on_it(db, public_id, publishing.agree)
    assert len(public(db)) == 1


def test_staff_withdraw_at_any_time_and_a_mail_that_waits_isnt_sent(db, settings, ada, alice):
    public_id = asked(db, settings, ada, alice)
    on_it(db, public_id, publishing.withdraw, alice)
    assert messages(db, kind=MessageKind.PUBLICATION)[0].status is MessageStatus.CANCELLED
    with pytest.raises(Refusal, match="isn’t public any more"):
        on_it(db, public_id, publishing.withdraw, alice)


@on_sqlite
@pytest.mark.parametrize("reason", SuppressionReason)
def test_nobody_is_asked_at_a_closed_address(db, settings, ada, alice, reason):
    with db.write() as session:
        suppress(session, ADA, reason)
    with pytest.raises(PublishProblem, match="closed"):
        asked(db, settings, ada, alice)


def test_a_token_of_another_purpose_says_nothing(settings):
    assert answer_of_publication(settings, own_token(settings, "a" * 20)) is None


# --- whose it is -------------------------------------------------------------------------------------------


def test_what_an_erased_person_asked_is_gone(db, ada, alice):
    agreed(db, ada, alice)
    with db.write() as session:
        erase(session, ada.id, alice.id)
    assert public(db) == []
    assert row_of(db, DRAFT.key) is None


def test_a_merged_asker_keeps_their_question(db, settings, ada, alice):
    agreed(db, ada, alice)
    submitted(db, settings, email="ada@work.example")
    other = contact_of(db, "ada@work.example")
    with db.write() as session:
        merge(session, other.id, ada.id, Choices(), alice.id)
    assert public(db) == ["How do I begin?"]
    with db.write() as session:
        erase(session, min(ada.id, other.id), alice.id)
    assert public(db) == []
