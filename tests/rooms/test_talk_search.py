"""The search finds comments and published answers in the words that are public now, and no others."""

import pytest

from tests.factories import an_account, contact_of, submitted
from tests.rooms.commented import CHAPTER, comment_of, commented
from tpminstitute.comments import moderation, publishing
from tpminstitute.comments.submit import edit, take_back
from tpminstitute.comments.words import plain
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.service import locked
from tpminstitute.guide.chapters import load_guide
from tpminstitute.privacy.forgetting_comments import forget_comments
from tpminstitute.site_search.passages import guide_passages
from tpminstitute.site_search.search import SHOWN, Index, Read, search
from tpminstitute.site_search.talk import TITLE, KeptTalk


@pytest.fixture
def talk():
    """What one process keeps, from search to search."""
    return KeptTalk()


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


def found(db, talk, query):
    with db.read() as session:
        return search(query, talk.index(session)).found


def texts(db, talk, query):
    return ["".join(piece.text for piece in one.text) for one in found(db, talk, query)]


def on_it(db, comment, act):
    with db.write() as session:
        act(session, moderation.locked_comment(session, comment.public_id))


def published_answer(db, settings, alice, question, answer="Look on every project."):
    submitted(db, settings)
    with db.write() as session:
        contact = locked(session, contact_of(db).id)
        draft = publishing.Draft("a" * 20, CHAPTER, question, answer)
        publishing.publish_with_consent(session, contact, alice, draft, "On the phone", None)


def test_a_public_comment_is_found_marked_and_leads_to_its_thread(db, settings, talk):
    comment = commented(db, settings, body="Where does one find a *mentor*?", published=True)
    (one,) = found(db, talk, "ment")
    assert [piece.text for piece in one.text if piece.marked] == ["mentor"]
    assert one.passage.text == "Where does one find a mentor?"
    assert one.passage.href == f"/comments/{CHAPTER}?comment={comment.public_id}#c-{comment.public_id}"
    assert one.passage.place == "Comment on “Gaining Relevant Experience”"


def test_a_mistyped_word_is_taken_for_one_that_a_comment_has(db, settings, talk):
    commented(db, settings, body="Our kubernetes migration", published=True)
    with db.read() as session:
        assert search("kubrenets", talk.index(session)).taken == {"kubrenets": ["kubernetes"]}


def test_a_comment_is_found_only_while_it_is_public(db, settings, alice, talk):
    comment = commented(db, settings, body="A rare okapi")
    assert texts(db, talk, "okapi") == []
    on_it(db, comment, lambda session, row: moderation.publish(session, settings, row, 1, alice))
    assert texts(db, talk, "okapi") == ["A rare okapi"]
    on_it(db, comment, lambda session, row: moderation.remove(session, row, 1, alice))
    assert texts(db, talk, "okapi") == []
    on_it(db, comment, lambda session, row: moderation.publish(session, settings, row, 1, alice))
    on_it(db, comment, lambda session, row: edit(session, settings, row, "Ada", "A rare zebra"))
    assert texts(db, talk, "okapi") + texts(db, talk, "zebra") == []
    on_it(db, comment, lambda session, row: moderation.publish(session, settings, row, 2, alice))
    assert texts(db, talk, "rare") == ["A rare zebra"]


def test_a_refused_a_taken_back_and_an_erased_comment_are_never_found(db, settings, alice, talk):
    refused = commented(db, settings, body="okapi one")
    on_it(db, refused, lambda session, row: moderation.refuse(session, row, 1, alice))
    taken_back = commented(db, settings, body="okapi two", published=True)
    erased = commented(db, settings, body="okapi three", email="ada@example.org", published=True)
    assert len(texts(db, talk, "okapi")) == 2
    on_it(db, taken_back, take_back)
    with db.write() as session:
        forget_comments(session, [read_email("ada@example.org").key], "Erased.")
    assert comment_of(db, erased.public_id).body == "Erased."
    assert texts(db, talk, "okapi") + texts(db, talk, "erased") == []


def test_words_of_what_is_gone_are_taken_for_nothing(db, settings, alice, talk):
    comment = commented(db, settings, body="okapi", published=True)
    assert texts(db, talk, "okapo") == ["okapi"]
    on_it(db, comment, lambda session, row: moderation.remove(session, row, 1, alice))
    assert texts(db, talk, "okapo") == []


def test_a_published_answer_is_found_by_its_question_and_its_words_until_it_is_withdrawn(db, settings, alice, talk):
    published_answer(db, settings, alice, "How do I begin as an okapi?")
    (one,) = found(db, talk, "okapi")
    assert [piece.text for piece in one.title if piece.marked] == ["okapi"]
    assert (one.passage.href, one.passage.text) == (f"/comments/{CHAPTER}#q-{'a' * 20}", "Look on every project.")
    assert len(found(db, talk, "look every")) == 1
    with db.write() as session:
        row = publishing.by_public_id(session, "a" * 20, lock=True)
        assert row
        publishing.withdraw(session, row, alice)
    assert found(db, talk, "okapi") == []


def test_the_guide_stands_before_a_comment_whose_writer_is_called_like_what_is_sought(db, settings, talk):
    commented(db, settings, name="PMP", body="PMP", published=True)
    guide = Index.of(Read.of(passage) for passage in guide_passages(load_guide()))
    with db.read() as session:
        places = [one.passage.href for one in search("pmp", guide, talk.index(session)).found]
    assert places[0] == "/#certification-pmp"
    assert places[1].startswith("/comments/")


def test_every_word_of_a_long_question_is_found(db, settings, alice, talk):
    published_answer(db, settings, alice, "word " * TITLE + "okapi")
    assert len(found(db, talk, "okapi")) == 1


def test_a_comment_on_a_chapter_that_is_gone_leads_nowhere_and_is_not_found(db, settings, talk):
    commented(db, settings, chapter="gone-since", body="okapi", published=True)
    assert texts(db, talk, "okapi") == []


def test_of_a_long_comment_the_part_around_the_first_word_found_is_shown(db, settings, talk):
    commented(db, settings, body=f"{'before ' * 200} okapi {'behind ' * 200}", published=True)
    (shown,) = texts(db, talk, "okapi")
    assert len(shown) < SHOWN * 1.5
    assert "before okapi behind" in shown
    assert shown.startswith("… before")
    assert shown.endswith("behind …")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("One\ntwo\n\n- *three*\n- `four`", "One two three four"),
        ("[shown](https://hidden.example) &amp; <b>", "shown & <b>"),
        ("```\nx = 1\n```\n> said", "x = 1 said"),
        (">" * 20 + " deep", ">" * 20 + " deep"),
    ],
)
def test_a_comment_is_searched_without_its_marks(typed, words):
    assert plain(typed) == words
