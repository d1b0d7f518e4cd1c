"""The proof that no machine sent a letter: what counts, and what proves nothing."""

import hashlib
import itertools
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.factories import contact_of, submitted
from tpminstitute.core.tokens import Signer
from tpminstitute.inbox import proving, service
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.screening.arrivals import may_confirm_plainly
from tpminstitute.screening.points import PLAIN_PROOFS_AN_HOUR
from tpminstitute.screening.proof import SUMS, Challenge, Unproven
from tpminstitute.screening.service import Evidence
from tpminstitute.timeline.queries import timeline_of

SECRET = "a secret of the tests, long enough"
NOON = datetime(2026, 4, 20, 12, tzinfo=UTC)
LETTER = "letter1"
PITCH = "I came across your website. We offer a website redesign and more leads at a low cost. Can we book a call?"


def solved(seed, bits=15):
    """What a browser finds for a seed."""

    def found(at):
        start = f"{seed}:{at}:".encode()
        return next(
            n
            for n in itertools.count()
            if int.from_bytes(hashlib.sha256(start + b"%d" % n).digest()[:4], "big") >> (32 - bits) == 0
        )

    return ".".join(str(found(at)) for at in range(SUMS))


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture(scope="module")
def challenge():
    """A challenge whose seed is always the same, and what solves it."""
    made = Challenge(LETTER, "0123456789abcdefghjk", NOON)
    return made, solved(made.seed)


def test_the_right_sums_prove_it(challenge):
    made, answer = challenge
    made.check_sums(answer)


def test_what_the_script_finds_is_right():
    Challenge(LETTER, "0123456789abcdefghjk", NOON).check_sums("73722.9000.50351.20481.11734.23822.11481.20623")


@pytest.mark.parametrize(
    ("how", "spoil"),
    [
        ("nothing", lambda answer: ""),
        ("one more", lambda answer: answer + ".1"),
        ("one less", lambda answer: answer.rpartition(".")[0]),
        ("turned round", lambda answer: ".".join(reversed(answer.split(".")))),
        ("endless", lambda answer: "9" * 5_000),
        ("zeros", lambda answer: ".".join("0" * SUMS)),
        ("commas", lambda answer: answer.replace(".", ",")),
        ("Arabic digits", lambda answer: "\u0663" + answer[1:]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_sums_prove_nothing(challenge, how, spoil):
    made, answer = challenge
    with pytest.raises(Unproven, match="press the button"):
        made.check_sums(spoil(answer))


def test_the_sums_of_another_seed_prove_nothing(challenge):
    with pytest.raises(Unproven):
        Challenge(LETTER, "another", NOON).check_sums(challenge[1])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no longer known"),
        ("forged.signature", "no longer known"),
        (Challenge(LETTER, "s", NOON).sign("another secret, long enough to be one"), "no longer known"),
        (Challenge("another letter", "s", NOON).sign(SECRET), "no longer known"),
        (Signer(SECRET, "proof").sign("something else"), "no longer known"),
        (Signer(SECRET, "proof").sign([LETTER, "s", 1e300]), "no longer known"),
        (Signer(SECRET, "unsubscribe").sign([LETTER, "s", 0]), "no longer known"),
        (Challenge(LETTER, "s", NOON - timedelta(minutes=61)).sign(SECRET), "more than an hour"),
    ],
)
def test_a_challenge_that_is_forged_expired_or_of_another_letter_proves_nothing(noon, text, says):
    with pytest.raises(Unproven, match=says):
        Challenge.read(text, SECRET, LETTER)


def test_a_challenge_is_read_as_it_was_made(noon):
    made = Challenge.new(LETTER)
    assert Challenge.read(made.sign(SECRET), SECRET, LETTER) == made


def test_a_button_is_believed_once_the_page_can_have_been_read(noon):
    made = Challenge.new(LETTER)
    with pytest.raises(Unproven, match="quicker than anybody reads"):
        made.check_time()
    noon.shift(timedelta(seconds=4))
    made.check_time()


def test_a_network_may_confirm_by_the_button_alone_only_so_often_an_hour(db, noon):
    def confirmed(address):
        with db.write() as session:
            return may_confirm_plainly(session, SECRET, address)

    assert [confirmed(f"203.0.113.{n}") for n in range(PLAIN_PROOFS_AN_HOUR + 2)] == [
        *[True] * PLAIN_PROOFS_AN_HOUR,
        False,
        False,
    ]
    assert confirmed("198.51.100.1")
    assert confirmed("127.0.0.1")
    noon.shift(timedelta(minutes=61))
    assert confirmed("203.0.113.1")


# --- what a proof causes -----------------------------------------------------------------------------------


def nearly_clear(db, settings, **fields):
    return submitted(db, settings, message=PITCH, evidence=Evidence("Ada", "ada@example.org", PITCH), **fields)


def release(db, settings, inquiry):
    with db.write() as session:
        locked = service.locked_inquiry(session, inquiry.public_id)
        assert locked is not None
        return proving.release_proven(session, settings, locked)


def again(db, inquiry):
    with db.read() as session:
        return session.get_one(Inquiry, inquiry.id)


def test_who_proves_it_is_released_at_once_with_all_that_was_withheld(db, settings):
    inquiry = nearly_clear(db, settings)
    assert (inquiry.state, inquiry.score) == (InquiryState.SUSPECTED, 14)
    assert release(db, settings, inquiry)
    proven = again(db, inquiry)
    assert (proven.state, proven.score) == (InquiryState.OPEN, 6)
    assert proven.followed_through_at is not None
    assert proven.suspicions[-1] == "Its writer proved that it wasn't a machine's. (-8)"
    with db.read() as session:
        assert proving.SENTENCE in [entry.sentence for entry in timeline_of(session, contact_of(db).id)]


def test_a_proof_works_once_and_not_for_what_is_clearly_spam_or_was_judged(db, settings):
    inquiry = nearly_clear(db, settings)
    assert release(db, settings, inquiry)
    assert not release(db, settings, inquiry)
    clear = submitted(db, settings, suspicions=["It is forged.", "The mail server thinks it is spam."])
    assert not release(db, settings, clear)
    assert again(db, clear).state is InquiryState.SUSPECTED
