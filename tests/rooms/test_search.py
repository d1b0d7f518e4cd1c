"""People are found by whatever is known of them, at once, and nobody twice."""

import pytest
from sqlalchemy import delete, select, text, update

from tests.conftest import on_postgresql, on_sqlite
from tests.factories import ADA, an_account, contact_of, messages, submitted
from tests.rooms.came import a_mail, came
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.models import Contact, ContactAddress, ContactTag, Note
from tpminstitute.contacts.service import add_address, locked
from tpminstitute.contacts.tags import add_tag
from tpminstitute.core import clock
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.inbox.calls import note_call
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.lists import search_documents, search_engine, search_ranking
from tpminstitute.lists.search import Place, find, matching_ids
from tpminstitute.lists.search_expressions import Term
from tpminstitute.lists.search_models import SearchChange, SearchNear, SearchPerson, SearchText, SearchWord, Source
from tpminstitute.lists.search_sought import Sought
from tpminstitute.lists.search_upkeep import rebuild, refresh, settle
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.privacy.erasing import erase

BOB = "bob@example.org"
BERLIN = ("030 / 123 45 67", "+49301234567")


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


@pytest.fixture
def ada(db, settings):
    submitted(db, settings)
    return contact_of(db)


def look(db, typed, **more):
    with db.read() as session:
        return find(session, typed, **more)


def names(db, typed):
    """The names of those who are found, which are the same before and after the index has read what changed.

    A list that is narrowed by the same search holds the same people, too.
    """
    fresh = names_now(db, typed)
    settle(db)
    settled = names_now(db, typed)
    assert sorted(fresh) == sorted(settled)
    return settled


def names_now(db, typed):
    found = shown_names(look(db, typed))
    assert narrowed_to(db, typed) == found_ids(db, typed)
    return found


def found_ids(db, typed):
    return {person.contact_id for person in look(db, typed, limit=100).people}


def narrowed_to(db, typed):
    """The ids that a list is narrowed to, gathered also where they are so few that near words would be looked for."""
    with db.read() as session, pytest.MonkeyPatch.context() as patch:
        usual = set(matching_ids(session, typed, 100).ids)
        patch.setattr(search_ranking, "FEW", 1)
        exact = set(matching_ids(session, typed, 100).ids)
    assert exact <= usual
    assert len(usual) == len(exact) or len(exact) < 3
    return usual


def shown_names(found):
    return ["".join(piece.text for piece in person.name) for person in found.people]


def shown(pieces):
    return "".join(f"[{piece.text}]" if piece.marked else piece.text for piece in pieces)


def noted(db, alice, contact, body):
    with db.write() as session:
        session.add(Note(contact_id=contact.id, account_id=alice.id, body=body, at=clock.now()))


def answered(db, settings, alice, contact, words):
    with db.write() as session:
        account = session.get_one(Account, alice.id)
        reply(session, settings, locked(session, contact.id), Answer("one", words, account))


# --- what is searched --------------------------------------------------------------------------------------


def add_note(db, settings, alice, ada):
    noted(db, alice, ada, "Wants a zeppelin.")


def add_call(db, settings, alice, ada):
    with db.write() as session:
        account = session.get_one(Account, alice.id)
        note_call(session, settings, locked(session, ada.id), account, "She flew in a zeppelin.")


def add_reply(db, settings, alice, ada):
    answered(db, settings, alice, ada, "Come by zeppelin.")


def add_mail(db, settings, alice, ada):
    came(db, settings, a_mail(text="I will come by zeppelin."))


def add_inquiry(db, settings, alice, ada):
    submitted(db, settings, message="Is there a zeppelin?")


def add_the_tag(db, settings, alice, ada):
    with db.write() as session:
        add_tag(session, ada.id, "zeppelin", alice.id)


def add_an_address(db, settings, alice, ada):
    with db.write() as session:
        add_address(session, locked(session, ada.id), read_email("ada@zeppelin.example"), alice.id)


@pytest.mark.parametrize(
    ("add", "source"),
    [
        (add_inquiry, Source.INQUIRY),
        (add_mail, Source.RECEIVED),
        (add_reply, Source.REPLY),
        (add_note, Source.NOTE),
        (add_call, Source.CALL),
        (add_the_tag, None),
        (add_an_address, None),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_whatever_a_person_wrote_finds_the_contact_and_is_marked(db, settings, alice, ada, add, source):
    add(db, settings, alice, ada)
    assert names(db, "zeppelin") == ["Ada Lovelace"]
    (person,) = look(db, "zeppelin").people
    assert person.passages[-1].source == source
    assert "[zeppelin]" in shown(person.passages[-1].pieces)


def test_a_letter_that_everybody_gets_is_not_searched(db, settings, ada):
    (letter,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert "received your message" in letter.content.decode() or letter.subject
    with db.write() as session:
        session.execute(update(Message).where(Message.id == letter.id).values(subject="zeppelin"))
    assert names(db, "zeppelin") == []


def test_a_reply_that_was_taken_back_is_not_found(db, settings, alice, ada):
    add_reply(db, settings, alice, ada)
    assert names(db, "zeppelin")
    with db.write() as session:
        taken = {"status": MessageStatus.CANCELLED, "reason": "Alice took it back."}
        session.execute(update(Message).where(Message.kind == MessageKind.REPLY).values(taken))
    assert names(db, "zeppelin") == []


# --- how it may be typed -----------------------------------------------------------------------------------


WAYS_TO_TYPE = [
        "Müller", "muller", "MULLER", "mu\u0308ller", "jurgen müll", "müller jürgen", "j.muller@",
        "J.Muller@beispiel.de", "@beispiel.de", "beispiel.de", "beispiel",
        "030 1234567", "+49 30 123 45 67", "0049301234567", "1234567",
        "(030) 123-4567", "学习", "项目管理", "我", "anfänger", "anfanger", "Anf", '"für Anfänger"', "muller anfänger",
        "obrian", "o'brian", "brian",
]  # fmt: skip


def test_a_person_is_found_however_it_is_typed(db, settings):
    message = "我想学习项目管理 für Anfänger. Grüße an O’Brian, tel. 030/123 45 67"
    submitted(db, settings, name="Jürgen Müller-O’Brian", email="j.muller@beispiel.de", phone=BERLIN, message=message)
    submitted(db, settings)
    expected = {typed: ["Jürgen Müller-O’Brian"] for typed in WAYS_TO_TYPE}
    assert {typed: names_now(db, typed) for typed in WAYS_TO_TYPE} == expected
    settle(db)
    assert {typed: names_now(db, typed) for typed in WAYS_TO_TYPE} == expected


def test_a_reference_finds_its_inquiry(db, settings, ada):
    inquiry = submitted(db, settings, email=BOB, name="Bob")
    reference = f"{inquiry.public_id[:4].upper()}-{inquiry.public_id[4:8].upper()}"
    assert names(db, reference) == ["Bob"]
    (person,) = look(db, reference).people
    assert shown(person.passages[0].pieces).startswith(f"Reference [{reference}]")


@on_sqlite
@pytest.mark.parametrize("typed", ["4594-KS1Q", "4594 ks1q", "4067-8HYC", "4067 8hyc", "1234-5678", "KS1Q 4594"])
def test_a_reference_that_has_a_number_in_it_finds_its_inquiry(db, settings, typed):
    inquiry = submitted(db, settings)
    change(
        db, update(Inquiry).values(public_id=typed.lower().replace("-", "").replace(" ", "") + inquiry.public_id[8:])
    )
    assert names(db, typed) == ["Ada Lovelace"]


def test_a_contact_is_found_by_the_id_in_the_address_of_their_page(db, ada):
    assert names(db, ada.public_id) == ["Ada Lovelace"]


def test_every_word_must_stand_somewhere(db, settings, ada):
    submitted(db, settings, email=BOB, name="Bob", message="How do I get a scholarship?")
    assert names(db, "scholarship how") == ["Bob"]
    assert names(db, "scholarship begin") == []


def test_a_word_of_the_name_and_one_of_the_message_find_together(db, settings, ada):
    submitted(db, settings, email=BOB, name="Bob Lovelace", message="How do I get a scholarship?")
    assert names(db, "lovelace scholarship") == ["Bob Lovelace"]


def test_a_phrase_must_stand_word_for_word(db, settings, ada):
    assert names(db, '"do I begin"') == ["Ada Lovelace"]
    assert names(db, '"I do begin"') == []
    assert names(db, '"do I beg"') == []


def test_a_beginning_of_many_words_finds_them_all(db, settings, ada, monkeypatch):
    monkeypatch.setattr("tpminstitute.lists.search_sought.GATHERED", 0)
    for number, word in enumerate(("answer", "another", "android")):
        submitted(db, settings, email=f"r{number}@example.org", name=f"Reader {number}", message=f"An {word}, please")
    settle(db)
    assert set(shown_names(look(db, "an"))) == {"Reader 0", "Reader 1", "Reader 2"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("Lovlace", "lovelace"), ("lovelcae", "lovelace"), ("lvoelcae", "lovelace"), ("begni", "begin"), ("adaa", "ada")],
)
def test_a_typing_error_is_forgiven_and_told(db, ada, typed, meant):
    settle(db)
    found = look(db, typed)
    assert shown_names(found) == ["Ada Lovelace"]
    assert list(found.also_for) == [(typed, [meant])]


@on_sqlite
def test_two_errors_in_a_short_word_are_too_many(db, ada):
    settle(db)
    assert shown_names(look(db, "bxgxn")) == []


def test_who_has_the_rare_word_stands_before_those_who_have_a_near_one(db, settings):
    for number in range(5):
        submitted(db, settings, email=f"s{number}@example.org", name=f"Sam Smith {number}")
    submitted(db, settings, email=BOB, name="Bob Smyth")
    settle(db)
    found = look(db, "smyth")
    assert shown_names(found)[0] == "Bob Smyth"
    assert len(found.people) == 6
    assert list(found.also_for) == [("smyth", ["smith"])]


HOSTILE = [
    "", " ", '"', '""', "'", "()", "*", "a*", "^a", "-a", "a -b", "NEAR(a b)", "a AND", "OR", "NOT a", "a & | !", "a:b",
    "words:ada", "\\", "\x00", "a\x00b", "%", "_", "%' OR 1=1 --", "<->", "ada:*", "{a}", "~apart", "#123", "@", "a@",
    "@a", "\ud800", "\u202e\u200b", "💥", "x" * 10_000, "a " * 5_000, '"' * 999, "1" * 400, "+" * 99, "1-" * 300,
    "ﷺ" * 300, "学" * 400, "'; DROP TABLE contacts; --", "$1", ":typed", "?", "٣٤٥٦٧٨٩", "00000000", "+0", "(0)",
]  # fmt: skip


def test_nothing_that_is_typed_is_an_error(db, ada):
    settle(db)
    for typed in HOSTILE:
        look(db, typed)
        with db.read() as session:
            matching_ids(session, typed, 10)
    assert names(db, "lovelace")


@on_sqlite
def test_signs_without_a_letter_ask_for_nothing(db, ada):
    assert look(db, "*' %_ \x00").nothing_asked


# --- the order ---------------------------------------------------------------------------------------------


def test_names_come_first_and_then_the_newest_words(db, settings):
    submitted(db, settings, email="1@example.org", name="Charlie", message="I know Max from school")
    submitted(db, settings, email="2@example.org", name="Anna Max", message="Hello")
    submitted(db, settings, email="3@example.org", name="Dora", message="Max sent me")
    submitted(db, settings, email="4@example.org", name="Max Ernst", message="Hello")
    submitted(db, settings, email="5@example.org", name="Max", message="Hello")
    settle(db)
    assert shown_names(look(db, "max")) == ["Max", "Max Ernst", "Anna Max", "Dora", "Charlie"]


def test_the_very_address_comes_first(db, settings, alice):
    submitted(db, settings, email="ada@example.org.uk", name="Bob")
    submitted(db, settings)
    submitted(db, settings, email="x@example.org", name="Charlie", message="Ask ada@example.org")
    settle(db)
    assert shown_names(look(db, ADA))[0] == "Ada Lovelace"
    with db.write() as session:
        add_address(session, locked(session, contact_of(db).id), read_email("ada@home.example"), alice.id)
    assert shown_names(look(db, "Ada@Home.example")) == ["Ada Lovelace"]


def test_a_contact_is_found_once_with_the_newest_text(db, settings, ada):
    submitted(db, settings, message="Where do I begin, and when?")
    assert names(db, "begin") == ["Ada Lovelace"]
    assert shown(look(db, "begin").people[0].passages[0].pieces) == "Where do I [begin], and when?"


def test_what_was_set_apart_comes_last_and_says_so(db, settings, ada):
    inquiry = submitted(db, settings, email=BOB, name="Bob", message="Begin to win")
    for state in (InquiryState.SUSPECTED, InquiryState.SPAM):
        with db.write() as session:
            session.execute(update(Inquiry).where(Inquiry.id == inquiry.id).values(state=state))
        assert names(db, "begin") == ["Ada Lovelace", "Bob"]
        assert [person.apart for person in look(db, "begin").people] == [None, state]


def test_pages_follow_one_another_and_nobody_is_on_two(db, settings):
    for number in range(7):
        submitted(db, settings, email=f"r{number}@example.org", name=f"Reader {number}", message=f"Path {number}")
    settle(db)
    seen: list[str] = []
    place = None
    while True:
        found = look(db, "path", limit=3, after=place)
        assert (found.before, found.count) == (len(seen), 7)
        seen += shown_names(found)
        place = found.next
        if place is None:
            break
        submitted(db, settings, email="late@example.org", name="Late", message="I came late")
    assert seen == [f"Reader {number}" for number in reversed(range(7))]


def test_a_page_goes_on_though_somebody_new_came_on_top(db, settings):
    for number in range(4):
        submitted(db, settings, email=f"r{number}@example.org", name=f"Reader {number}", message="Path")
    place = look(db, "path", limit=2).next
    submitted(db, settings, email=BOB, name="Bob", message="Path")
    assert shown_names(look(db, "path", limit=2, after=place)) == ["Reader 1", "Reader 0"]


@on_sqlite
@pytest.mark.parametrize("place", [Place(9_999, 1), Place(0, 99), Place(-5, 0), Place(1, 99)], ids=str)
def test_a_place_that_is_no_more_is_no_error(db, ada, place):
    look(db, "ada", after=place)


def test_only_so_many_ids_are_told_and_whether_there_are_more(db, settings):
    for number in range(3):
        submitted(db, settings, email=f"r{number}@example.org", name=f"Reader {number}")
    settle(db)
    with db.read() as session:
        two, three = matching_ids(session, "reader", 2), matching_ids(session, "reader", 3)
    assert (len(two.ids), two.more) == (2, True)
    assert (len(three.ids), three.more) == (3, False)


def test_a_list_is_narrowed_without_a_row_for_each_match(db, settings, monkeypatch):
    for number in range(4):
        submitted(db, settings, email=f"r{number}@example.org", name=f"Reader {number}", message="A zeppelin")
    settle(db)
    monkeypatch.setattr(search_ranking, "_ranked", None)
    with db.read() as session:
        for typed in ("reader", "zeppelin", '"a zeppelin"', "reader zepp"):
            assert len(matching_ids(session, typed, 4).ids) == 4, typed


def test_what_the_index_has_yet_to_read_narrows_a_list_as_it_is_now(db, settings, monkeypatch):
    for number in range(5):
        submitted(db, settings, email=f"r{number}@example.org", name=f"Reader {number}", message="A zeppelin")
    settle(db)
    monkeypatch.setattr(search_ranking, "_ranked", None)
    with db.write() as session:
        first, second, *others = session.scalars(select(Contact.id).order_by(Contact.email_key)).all()
        session.execute(update(Contact).values(name="Writer").where(Contact.id == first))
        session.execute(delete(SearchText).where(SearchText.contact_id == first))  # it has the name of then
        session.execute(update(Inquiry).values(message="A balloon").where(Inquiry.contact_id == second))
    with db.read() as session:
        assert set(matching_ids(session, "reader", 10).ids) == {second, *others}
        assert set(matching_ids(session, "zeppelin", 10).ids) == {*others}


def test_for_a_list_texts_are_found_by_their_own_words_and_their_writers_by_their_names(db, settings, ada):
    submitted(db, settings, email=BOB, name="Bob", message="Lovelace told me of you")
    bob = contact_of(db, BOB).id
    settle(db)
    assert gathered_by(db, "lovelace") == {ada.id, bob}
    change(db, update(SearchPerson).values(name_key="somebody else"))
    assert (gathered_by(db, "lovelace"), gathered_by(db, "ada")) == ({ada.id, bob}, set())
    change(db, delete(SearchPerson))
    assert gathered_by(db, "lovelace") == {bob}
    assert gathered_by(db, "lovelace", but_people=[ada.id]) == {ada.id, bob}, (
        "who changed since is not left to the name"
    )


def gathered_by(db, word, but_people=()):
    sought = Sought(Term((word,), begins=True), (1,))
    with db.read() as session:
        return {*search_engine.gathered(session, word, sought, sought, 10, but_people=but_people, but_texts=())}


def test_texts_that_were_read_before_names_were_marked_in_them_are_found(db, ada, monkeypatch):
    monkeypatch.setattr(search_documents, "NAMED", "")
    settle(db)
    assert names(db, "lovelace") == ["Ada Lovelace"]
    assert names(db, "lovelace begin") == ["Ada Lovelace"]


def test_who_got_another_name_is_found_by_the_former_where_they_wrote_it(db, settings):
    submitted(db, settings, message="Lovelace is what I am called")
    settle(db)
    change(db, update(Contact).values(name="Ada Byron"))
    assert names(db, "lovelace") == ["Ada Byron"]


def test_somebody_with_many_texts_hides_nobody(db, settings, alice, ada):
    submitted(db, settings, email=BOB, name="Bob", message="A zeppelin")
    for number in range(8):
        noted(db, alice, ada, f"Zeppelin {number}")
    settle(db)
    with db.read() as session:
        assert len(matching_ids(session, "zeppelin", 2).ids) == 2


@on_postgresql
@pytest.mark.parametrize("looked_at", [0, 3, 1_000])
def test_a_frequent_word_is_found_among_the_newest_and_beyond_them(db, settings, monkeypatch, looked_at):
    monkeypatch.setattr(search_engine, "_rows_to_look_at", lambda sought, newest, most: looked_at)
    for number in range(8):
        submitted(db, settings, email=f"r{number}@example.org", name=f"Reader {number}", message="Path")
    settle(db)
    assert shown_names(look(db, "path")) == [f"Reader {number}" for number in reversed(range(8))]
    assert shown_names(look(db, "path", limit=2)) == ["Reader 7", "Reader 6"]


@pytest.mark.parametrize(
    ("often", "most", "rows"),
    [((1_000_000,), 100, 2_000), ((50_000,), 100, 3_000), ((20_000,), 100, 7_500), ((3_000,), 100, 0), ((0,), 100, 0)],
)
def test_the_newest_rows_are_looked_at_where_that_is_quicker_than_the_index(often, most, rows):
    sought = Sought(Term(("path",)), often)
    assert search_engine._rows_to_look_at(sought, 1_000_000, most) == rows


def test_words_are_taken_to_stand_together_by_chance():
    assert Sought(Term(("learn", "by")), (100_000, 10_000)).likely(1_000_000) == pytest.approx(1_000)


@on_postgresql
def test_a_phrase_of_frequent_words_is_looked_for_among_the_newest_and_says_so(db, settings, monkeypatch):
    monkeypatch.setattr(search_engine, "PHRASED", 2)
    monkeypatch.setattr(search_engine, "LOOKED_AT", 3)
    for number in range(6):
        submitted(db, settings, email=f"r{number}@example.org", name=f"Reader {number}", message="The path ahead")
    settle(db)
    found = look(db, '"the path"')
    assert shown_names(found) == ["Reader 5", "Reader 4", "Reader 3"]
    assert found.newest_only
    assert not look(db, "the path").newest_only


@on_sqlite
def test_more_than_anybody_counts_is_told_as_more(db, settings, monkeypatch):
    monkeypatch.setattr("tpminstitute.lists.search.COUNTED", 2)
    for number in range(4):
        submitted(db, settings, email=f"r{number}@example.org", name=f"Reader {number}")
    found = look(db, "reader", limit=2)
    assert (found.count, found.more_than_counted) == (2, True)


# --- whatever changes --------------------------------------------------------------------------------------


def change(db, statement):
    with db.write() as session:
        session.execute(statement)


def test_a_note_that_was_changed_is_found_by_its_new_words_only(db, alice, ada):
    noted(db, alice, ada, "Wants a zeppelin.")
    assert names(db, "zeppelin")
    change(db, update(Note).values(body="Wants a balloon."))
    assert (names(db, "zeppelin"), names(db, "balloon")) == ([], ["Ada Lovelace"])
    change(db, delete(Note))
    assert names(db, "balloon") == []


def test_what_moves_to_another_contact_is_found_there(db, settings, alice, ada):
    submitted(db, settings, email=BOB, name="Bob", message="Hello")
    for add in (add_note, add_call, add_reply, add_mail, add_the_tag, add_an_address):
        add(db, settings, alice, ada)
    submitted(db, settings, message="A zeppelin")
    settle(db)
    bob = contact_of(db, BOB).id
    tables = ("notes", "activities", "messages", "received_mails", "inquiries", "contact_tags", "contact_addresses")
    for table in tables:
        change(db, text(f"UPDATE {table} SET contact_id = {bob} WHERE contact_id = {ada.id}"))
    assert names(db, "zeppelin") == ["Bob"]
    with db.read() as session:
        assert set(session.scalars(select(SearchText.contact_id))) == {bob}


def test_a_contact_with_another_name_is_found_by_it_and_by_their_words(db, ada):
    settle(db)
    change(db, update(Contact).values(name="Ada Byron"))
    assert names(db, "byron") == ["Ada Byron"]
    assert names(db, "byron begin") == ["Ada Byron"]


def test_a_tag_and_an_address_that_are_gone_find_nobody(db, settings, alice, ada):
    add_the_tag(db, settings, alice, ada)
    add_an_address(db, settings, alice, ada)
    assert names(db, "zeppelin")
    change(db, delete(ContactTag))
    change(db, delete(ContactAddress))
    assert names(db, "zeppelin") == []


def test_who_was_merged_is_found_as_one_and_after_undoing_as_two(db, settings, ada):
    submitted(db, settings, email=BOB, name="Bob Byron", message="A zeppelin")
    settle(db)
    bob = contact_of(db, BOB).id
    for to, merged_into in ((ada.id, ada.id), (bob, None)):
        with db.write() as session:
            session.execute(update(Inquiry).where(Inquiry.name == "Bob Byron").values(contact_id=to))
            session.execute(update(Contact).where(Contact.id == bob).values(merged_into_id=merged_into))
        found = ["Ada Lovelace"] if merged_into else ["Bob Byron"]
        assert names(db, "zeppelin") == names(db, "byron") == found
        assert names(db, BOB) == ([] if merged_into else found)
        kept = index_of(db)
        rebuild(db)
        assert index_of(db) == kept


def test_who_was_erased_is_not_found_and_leaves_no_word(db, settings, alice, ada):
    noted(db, alice, ada, "Wants a zeppelin.")
    settle(db)
    with db.write() as session:
        erase(session, ada.id, alice.id)
    with db.read() as session:
        assert session.scalars(select(SearchWord.word)).all() == []
        assert session.scalars(select(SearchPerson.contact_id)).all() == []
    for typed in ("ada", ADA, "zeppelin", "begin", "erased"):
        assert names(db, typed) == []


def test_no_word_of_what_is_gone_is_kept(db, settings, alice, ada):
    settle(db)
    with db.read() as session:
        words = set(session.scalars(select(SearchWord.word)))
    noted(db, alice, ada, "Zeppelin begin")
    settle(db)
    change(db, delete(Note))
    settle(db)
    with db.read() as session:
        assert set(session.scalars(select(SearchWord.word))) == words
        assert set(session.scalars(select(SearchNear.word))) <= words


def test_what_must_be_gone_at_once_is_gone_with_the_transaction(db, settings, alice, ada):
    noted(db, alice, ada, "Wants a zeppelin.")
    settle(db)
    with db.write() as session:
        session.execute(delete(Note))
        refresh(session, [ada.id])
    with db.read() as session:
        assert session.scalars(select(SearchChange.id)).all() == []
        assert session.get(SearchWord, "zeppelin") is None


def test_what_was_rolled_back_is_never_read(db, ada):
    settle(db)
    with db.write() as session:
        session.execute(update(Contact).values(name="Zeppelin"))
        session.rollback()
    assert names(db, "zeppelin") == []


def test_a_mail_on_its_way_changes_nothing_in_the_index(db, settings, alice, ada):
    add_reply(db, settings, alice, ada)
    settle(db)
    change(db, update(Message).values(status=MessageStatus.SENT, sent_at=clock.now()))
    with db.read() as session:
        assert session.scalars(select(SearchChange.id)).all() == []


@on_postgresql
def test_nobody_who_writes_waits_for_the_index(db, settings, ada):
    with db.write() as session:
        refresh(session, [ada.id])
        submitted(db, settings, message="Written meanwhile, about a zeppelin")
        assert settle(db) == 0, "two would read the same change"
    assert names(db, "zeppelin") == ["Ada Lovelace"]


def test_the_index_made_anew_is_the_one_that_was_kept(db, settings, alice, ada):
    submitted(db, settings, email=BOB, name="Bob", phone=BERLIN)
    for add in (add_note, add_call, add_reply, add_mail, add_the_tag, add_an_address):
        add(db, settings, alice, ada)
    settle(db)
    kept = index_of(db)
    assert rebuild(db) > 0
    assert index_of(db) == kept
    assert names(db, "zeppelin") == ["Ada Lovelace"]


def index_of(db):
    """All that the index says, without the order of its rows."""
    with db.read() as session:
        texts = select(SearchText.source, SearchText.source_id, SearchText.contact_id, SearchText.words)
        return [
            sorted(map(tuple, session.execute(query)))
            for query in (
                select(SearchPerson.__table__),
                texts,
                select(SearchWord.__table__),
                select(SearchNear.__table__),
            )
        ]
