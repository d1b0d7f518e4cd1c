"""How a letter is weighed: each sign with its reason, what was learned, and what nobody is set apart for."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import on_sqlite
from tests.factories import count
from tpminstitute.screening import arrivals, content, learning, points
from tpminstitute.screening.digests import digest_for, network_of
from tpminstitute.screening.folding import fold
from tpminstitute.screening.models import Arrival, Judgement, LearnedWord, Lesson, SeenText
from tpminstitute.screening.service import Evidence, Verdict, provable, screen, sent_how, teach, tidy

SECRET = "a secret of the tests, long enough"
NOON = datetime(2026, 4, 20, 12, tzinfo=UTC)
ADA, CASINO = "How do I begin?", "Best online casino with free spins and a welcome bonus"
LONG = (
    "I have been a systems engineer for eleven years and have read your guide twice. My team builds the software of "
    "a railway, my manager leaves in spring, and I am asked to coordinate four teams from then on. Which of the five "
    "skills would you work on first, and is there a course that begins before summer?"
)


def weigh(text=ADA, name="Ada Lovelace", email="ada@example.org"):
    return Verdict(content.reasons(name, email, text, fold(text)))


def came(db, text=ADA, email="ada@example.org", **fields):
    with db.write() as session:
        return screen(session, SECRET, Evidence("Ada Lovelace", email, text, **fields))


def told(db, subject, text, judgement, email="ada@example.org"):
    with db.write() as session:
        teach(session, SECRET, subject, Evidence("Ada", email, text), judgement)


# --- how it was sent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "score", "reason"),
    [
        ({}, 0, ""),
        ({"time_to_fill": timedelta(seconds=2)}, 0, ""),
        ({"time_to_fill": timedelta(days=3)}, 0, ""),
        ({"time_to_fill": timedelta(seconds=1.9)}, 4, "less than 2 seconds"),
        ({"trap": "Great offer"}, 12, "can't see was filled in"),
        ({"trap": "https://pills.example", "others": ["https://pills.example"]}, 12, "can't see was filled in"),
        ({"trap": "ada@example.org ", "others": ["Ada Lovelace", "Ada@Example.org"]}, 1, "a password manager"),
        ({"trap": "Ada Lovelace", "others": ["Ada Lovelace"], "time_to_fill": timedelta(0)}, 5, "a password manager"),
    ],
    ids=str,
)
def test_how_a_form_was_filled_in_counts_with_its_reason(shown, score, reason):
    verdict = Verdict(sent_how(Evidence("Ada Lovelace", "ada@example.org", ADA, **shown)))
    assert verdict.score == score
    assert reason in " ".join(verdict.told)


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ({"name": "Win at https://casino.example"}, "name holds a web address"),
        ({"name": "Ada (Amazon.com)"}, "looks like a web address"),
        ({"name": "xKqZrTpLwB"}, "a machine had made it up"),
        ({"email": "ada@yopmail.com"}, "disposable one (yopmail.com)"),
        ({"email": "ada@mail.yopmail.com"}, "disposable one"),
        ({"email": "a.d.a.l.o@example.org"}, "odd number of dots"),
        ({"text": "Here: " + " ".join(f"http://a{n}.example/x" for n in range(5))}, "holds 5 web addresses"),
        ({"text": "[url=http://a.example]here[/url] is what I mean by a link"}, "markup"),
        ({"text": "look http://a.example"}, "little more than a web address"),
        ({"text": "My friend wrote to me about this one: https://bit.ly/abc, is it from you?"}, "hides where it leads"),
        ({"text": "My friend wrote to me about this one: https://abc.xyz/1, is it from you?"}, "next to nothing"),
        ({"text": "My friend wrote to me about this one: http://203.0.113.9/a, is it yours?"}, "bare number"),
        ({"text": "My friend wrote to me about this one: https://p\u0430ypal.com/a, is it yours?"}, "imitates"),
        ({"text": "My friend wrote about this one: https://xn--pypal-4ve.com/a, is it yours?"}, "imitates"),
        ({"text": "b\u200buy o\u200bur ca\u200bsino"}, "Invisible characters"),
        ({"text": "\u0441asino and b\u043enus"}, "Words mix letters"),
        ({"text": "HELLO THERE " * 25}, "in capitals"),
        ({"text": "Buy now!!!!!!"}, "exclamation marks"),
        ({"text": "wkjrthwkjrth qwlkejrqlwkej zxmncbvzmxncb"}, "can't be said"),
        ({"text": "send it to bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh"}, "crypto wallet"),
        ({"text": "online c4sino"}, "gambling: “casino”"),
        ({"text": "C.A.S.I.N.O"}, "gambling"),
        ({"text": "代开发票"}, "goods"),
    ],
    ids=str,
)
def test_a_sign_comes_with_its_reason(shown, reason):
    assert reason in " ".join(weigh(**shown).told)


def test_no_sign_of_the_content_but_an_address_in_the_name_is_enough_by_itself():
    enough = {sign for sign in vars(points).values() if isinstance(sign, points.Sign) and sign.points >= 10}
    assert enough == {points.TRAP, points.ADDRESS_IN_NAME}
    assert all(kind.first < points.SET_APART_AT for kind in points.KINDS.values())
    assert points.LEARNED_MOST < points.SET_APART_AT


def test_words_of_the_institute_s_field_speak_for_a_letter_and_never_below_zero():
    work = "I am a project manager at an online casino and want a certification for gambling regulation."
    assert weigh(work).score < weigh(work.replace("project manager", "friend").replace("certification", "thing")).score
    assert weigh("Which certification, PMP or SAFe, for a program manager?").score == 0


def test_only_scores_between_the_two_thresholds_can_be_proven():
    assert [score for score in range(30) if provable(score)] == list(range(10, 18))
    assert not provable(None)
    assert all(score - points.PROOF < points.SET_APART_AT for score in range(30) if provable(score))


@given(st.text(max_size=300), st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_written_is_weighed_without_a_fault(text, name, email):
    assert weigh(text, name, email).score >= 0


@pytest.mark.parametrize(
    "text",
    ["http://" * 2_850, "www." * 5_000, "a." * 10_000, "<a href " * 2_500, "\u0430b" * 10_000, "seo links " * 2_000],
    ids=lambda text: text[:8],
)
def test_twenty_thousand_characters_are_weighed_like_any_other(text):
    assert len(weigh(text).told) < 12


# --- how many came before ----------------------------------------------------------------------------------


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def test_a_sixth_letter_of_one_address_within_a_day_counts_and_the_next_day_it_is_forgotten(db, noon):
    scores = [came(db, f"Question number {n}").score for n in range(6)]
    assert scores == [0, 0, 0, 0, 0, 4]
    noon.shift(timedelta(hours=25))
    assert came(db).score == 0


@on_sqlite
def test_an_office_of_twenty_who_write_at_once_is_clear_and_a_flood_is_set_apart(db, noon):
    def letters(count, begin=0):
        return [came(db, email=f"p{n}@example.org", address=f"203.0.113.{n}") for n in range(begin, begin + count)]

    assert {verdict.score for verdict in letters(39)} == {0}
    assert {verdict.score for verdict in letters(60, 39)} == {5}
    flood = letters(60, 100)
    assert {verdict.score for verdict in flood} == {10}
    assert "100 or more letters came from this network" in flood[0].told[0]
    assert all(provable(verdict.score) for verdict in flood)
    noon.shift(timedelta(minutes=61))
    assert letters(1)[0].score == 0


@on_sqlite
def test_a_flood_makes_the_tables_no_longer(db, noon):
    for n in range(130):
        came(db, LONG, email=f"p{n}@example.org", address="203.0.113.9")
    network = digest_for(SECRET, "arrivals")("network:203.0.113.0/24")
    with db.read() as session:
        assert session.query(Arrival).filter(Arrival.key == network).count() == 100
        assert session.query(SeenText.sender).distinct().count() == 12


def test_who_sends_the_same_text_from_other_addresses_is_seen(db):
    assert [came(db, LONG, email=f"p{n}@example.org").score for n in range(7)] == [0, 3, 5, 5, 5, 8, 8]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LONG.replace("eleven", "nine"), True),
        (LONG.upper() + " Thank you.", True),
        (f"Dear advisors, {LONG}", True),
        (LONG.replace("a", "\u0430"), True),
        ("I am a teacher and would like to know whether my pupils may read your guide in class next week.", False),
    ],
    ids=["a word changed", "capitals", "another greeting", "letters of another script", "another text"],
)
def test_nearly_the_same_text_is_the_same(db, text, found):
    came(db, LONG)
    assert bool(came(db, text, email="charlie@example.org").reasons) is found


def test_a_short_question_that_many_ask_is_nobody_s_copy(db):
    assert {came(db, email=f"p{n}@example.org").score for n in range(20)} == {0}


def test_who_writes_the_same_twice_copies_nobody(db):
    assert {came(db, LONG).score for _ in range(5)} == {0}


def test_many_letters_from_one_opened_page_count(db):
    scores = [came(db, email=f"p{n}@example.org", form="one page").score for n in range(6)]
    assert scores == [0, 0, 0, 0, 5, 5]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2a00:1450:4001:80b::200e", "2a00:1450:4001:80b::/64"),
        ("::ffff:8.8.8.8", "8.8.8.0/24"),
        ("127.0.0.1", None),
        ("10.1.2.3", None),
        ("fe80::1%eth0", None),
        ("", None),
        ("unknown", None),
    ],
)
def test_a_network_is_a_24_of_ipv4_and_a_64_of_ipv6_and_what_is_no_place_counts_for_nobody(address, network):
    assert network_of(address) == network


@on_sqlite
def test_nothing_that_is_kept_can_be_read(db):
    came(db, LONG, address="8.8.8.8", form="page")
    told(db, "inquiry:1", LONG, Judgement.SPAM)
    with db.read() as session:
        kept = [*session.query(Arrival), *session.query(SeenText), *session.query(LearnedWord), *session.query(Lesson)]
        values = {value for row in kept for name, value in vars(row).items() if isinstance(value, str)}
    assert values == {"inquiry:1", "spam"}


def test_what_is_too_old_to_count_is_forgotten(db, noon):
    came(db, LONG)
    told(db, "inquiry:1", LONG, Judgement.SPAM)
    for after, tables in (
        (arrivals.DAY, [Arrival]),
        (arrivals.TEXTS_KEPT, [SeenText]),
        (learning.WORDS_KEPT, [Lesson]),
    ):
        noon.move_to(NOON + after - timedelta(seconds=1))
        with db.write() as session:
            tidy(session)
        assert all(count(db, table) for table in tables)
        noon.move_to(NOON + after + timedelta(seconds=1))
        with db.write() as session:
            tidy(session)
        assert not any(count(db, table) for table in tables)
    assert count(db, LearnedWord) == 1


# --- what was learned --------------------------------------------------------------------------------------


def lessons(db, number=learning.FEWEST_LESSONS):
    for n in range(number):
        told(db, f"inquiry:{2 * n}", "Our festival sells quokka figurines", Judgement.SPAM, "x@figurines.example")
        told(db, f"inquiry:{2 * n + 1}", "When does the seminar on bridges begin?", Judgement.HONEST)


def counts(db):
    with db.read() as session:
        kept = {row.key: (row.spam, row.honest) for row in session.query(LearnedWord)}
    return {key: both for key, both in kept.items() if both != (0, 0)}


def test_decisions_teach_and_the_reason_names_how_many_and_which_words(db):
    lessons(db)
    verdict = came(db, "Do you like quokka figurines?", email="y@figurines.example")
    assert verdict.score == points.LEARNED_MOST
    assert "learned from 10 decisions" in verdict.told[0]
    assert "figurines" in verdict.told[0]
    assert not verdict.suspected


def test_what_was_learned_as_honest_speaks_for_a_letter_but_not_for_clear_spam(db):
    lessons(db)
    assert came(db, f"The seminar on bridges begins. {CASINO}").score == weigh(CASINO).score + points.LEARNED_LEAST
    assert came(db, "The seminar on bridges begins").score == 0


def test_nothing_is_said_before_there_are_enough_decisions_of_both_kinds(db):
    lessons(db, learning.FEWEST_LESSONS - 1)
    assert came(db, "quokka figurines festival").score == 0


def test_the_same_decision_twice_teaches_once(db):
    told(db, "inquiry:1", LONG, Judgement.SPAM)
    once = counts(db)
    told(db, "inquiry:1", LONG, Judgement.SPAM)
    assert counts(db) == once


def test_a_decision_that_is_turned_round_is_unlearned_and_learned_anew(db):
    told(db, "inquiry:1", LONG, Judgement.SPAM)
    told(db, "inquiry:1", LONG, Judgement.HONEST)
    assert set(counts(db).values()) == {(0, 1)}
    told(db, "inquiry:1", LONG, None)
    assert counts(db) == {}
    assert count(db, Lesson) == 0


def test_a_word_that_was_forgotten_meanwhile_is_unlearned_to_nothing(db):
    told(db, "inquiry:1", LONG, Judgement.SPAM)
    with db.write() as session:
        session.query(LearnedWord).delete()
    told(db, "inquiry:1", LONG, None)
    assert counts(db) == {}
