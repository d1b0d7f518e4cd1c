"""How screening and the inbox go together: who is known, what staff's words teach, what is taken back."""

import pytest

from tests.factories import ADA, an_account, count, messages, statuses, submitted
from tpminstitute.inbox import conversations, service
from tpminstitute.inbox.judging import is_known
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.screening.digests import digest_for
from tpminstitute.screening.models import EVERY_LETTER, Judgement, LearnedWord, Lesson
from tpminstitute.screening.service import Evidence
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

SPAM = "Best online casino: free spins, a welcome bonus and a jackpot every day! https://spins.example"


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


def wrote(db, settings, message=SPAM, email=ADA, **fields):
    evidence = Evidence("Ada Lovelace", email, message)
    return submitted(db, settings, email=email, message=message, evidence=evidence, **fields)


def act(db, inquiry, verb, *more):
    with db.write() as session:
        verb(session, *more[:-1], service.locked_inquiry(session, inquiry.public_id), more[-1])


def state_of(db, inquiry):
    with db.read() as session:
        return session.get_one(Inquiry, inquiry.id).state


def lessons(db):
    with db.read() as session:
        return {lesson.subject: lesson.judgement for lesson in session.query(Lesson)}


def test_an_inquiry_is_kept_with_its_score_and_its_reasons_the_heaviest_first(db, settings):
    inquiry = wrote(db, settings)
    assert (inquiry.state, inquiry.message) == (InquiryState.SUSPECTED, SPAM)
    assert inquiry.score >= 18
    assert inquiry.suspicions[0].startswith("It reads like an advertisement for gambling: “online casino”")
    assert messages(db) == []


def test_an_inquiry_that_nothing_speaks_against_has_no_points(db, settings):
    inquiry = wrote(db, settings, "How do I begin?")
    assert (inquiry.state, inquiry.score, inquiry.suspicions) == (InquiryState.OPEN, 0, [])


def test_an_inquiry_that_was_not_weighed_has_no_score(db, settings):
    assert submitted(db, settings).score is None


def test_the_same_form_sent_twice_counts_once(db, settings):
    for _ in range(8):
        wrote(db, settings, "How do I begin?", form_key="one and the same")
    assert wrote(db, settings, "How do I begin?").score == 0


@pytest.mark.parametrize(
    "kind", [ActivityKind.STAFF_REPLIED, ActivityKind.REPLY_RECEIVED, ActivityKind.STAFF_MAIL_FILED]
)
def test_who_the_institute_wrote_with_is_never_set_apart(db, settings, alice, kind):
    first = wrote(db, settings, "How do I begin?")
    with db.write() as session:
        record(session, first.contact_id, kind, "They wrote.", account_id=alice)
    second = wrote(db, settings)
    assert (second.state, second.score) == (InquiryState.OPEN, 0)
    assert "wrote with this person before" in " ".join(second.suspicions)


@pytest.mark.parametrize("verb", ["mark_handled", "release"])
def test_whom_a_person_found_honest_is_known(db, settings, alice, verb):
    if verb == "release":
        act(db, wrote(db, settings), service.release, settings, alice)
    else:
        act(db, wrote(db, settings, "How do I begin?"), service.mark_handled, alice)
    assert wrote(db, settings, SPAM + " ").state is InquiryState.OPEN


def test_whose_letter_a_person_called_spam_is_not_known_by_it(db, settings, alice):
    inquiry = wrote(db, settings)
    act(db, inquiry, service.release, settings, alice)
    act(db, inquiry, service.mark_spam, settings, alice)
    assert wrote(db, settings, SPAM + " ").state is InquiryState.SUSPECTED


def test_a_first_letter_makes_nobody_known(db, settings):
    inquiry = wrote(db, settings, "How do I begin?")
    with db.read() as session:
        assert not is_known(session, inquiry.contact_id)


def test_what_else_speaks_against_a_mail_is_enough_even_of_who_is_known(db, settings, alice):
    act(db, wrote(db, settings, "How do I begin?"), service.mark_handled, alice)
    forged = wrote(db, settings, "How do I begin?", suspicions=["Its sender is forged."])
    assert (forged.state, forged.score) == (InquiryState.SUSPECTED, 12)


def test_releasing_and_marking_as_spam_teach_and_the_later_word_holds(db, settings, alice):
    inquiry = wrote(db, settings)
    act(db, inquiry, service.mark_spam, settings, alice)
    assert lessons(db) == {f"inquiry:{inquiry.id}": Judgement.SPAM}
    act(db, inquiry, service.release, settings, alice)
    assert lessons(db) == {f"inquiry:{inquiry.id}": Judgement.HONEST}
    with db.read() as session:
        assert session.query(LearnedWord).filter(LearnedWord.spam > 0).count() == 0


def test_what_the_page_wrote_itself_is_not_learned_and_what_was_learned_is_unlearned_alike(db, settings, alice):
    begun = "Please send me the guide to keep."
    asked = wrote(db, settings, f"{begun} Quokkas await", page_wrote=len(begun))
    act(db, asked, service.mark_spam, settings, alice)
    spam = digest_for(settings.secret_key, "words")
    with db.read() as session:
        learned = {word.key for word in session.query(LearnedWord)} - {EVERY_LETTER}
    assert learned == {spam(word) for word in ("quokkas", "await", "from:example.org")}
    act(db, asked, service.take_spam_back, settings, alice)
    with db.read() as session:
        assert session.query(LearnedWord).filter(LearnedWord.spam > 0).count() == 0


def test_spam_that_is_taken_back_waits_again_and_is_forgotten(db, settings, alice):
    inquiry = wrote(db, settings)
    act(db, inquiry, service.mark_spam, settings, alice)
    act(db, inquiry, service.take_spam_back, settings, alice)
    assert state_of(db, inquiry) is InquiryState.SUSPECTED
    assert lessons(db) == {}
    assert messages(db) == []


def test_an_open_inquiry_that_was_marked_as_spam_by_mistake_is_open_again_and_waits_for_an_answer(db, settings, alice):
    inquiry = wrote(db, settings, "How do I begin?")
    act(db, inquiry, service.mark_spam, settings, alice)
    act(db, inquiry, service.take_spam_back, settings, alice)
    assert state_of(db, inquiry) is InquiryState.OPEN
    assert set(statuses(db).values()) == {"cancelled"}
    with db.read() as session:
        turn = conversations.turn_of(session, inquiry.contact_id)
    assert turn is not None
    assert turn.turn.value == "institute"
    assert count(db, Lesson) == 0
