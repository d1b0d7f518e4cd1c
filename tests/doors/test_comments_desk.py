"""Comments at the desk: what waits is read, decided about, answered, and put back."""

import pytest

from tests.conftest import on_sqlite
from tests.doors.people import labels
from tests.factories import contact_of, messages
from tests.rooms.commented import comment_of, commented, states
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.comments.models import Comment, CommentState
from tpminstitute.inbox.models import Inquiry
from tpminstitute.mail.models import MessageKind

pytestmark = on_sqlite


def rows(page):
    return page.all("li", class_="remark")


def test_a_comment_that_waits_is_published_in_one_press_and_taken_back_in_another(db, settings, desk):
    commented(db, settings)
    answer = desk.press("Publish", rows(desk.page("/staff/comments"))[0])
    assert states(db) == [CommentState.PUBLISHED]
    page = desk.page(answer.location)
    assert "It is public now." in page.words
    desk.press("Undo", page)
    assert states(db) == [CommentState.HELD]


@pytest.mark.parametrize(("button", "state"), [("Refuse", "refused"), ("Spam", "refused")])
def test_a_comment_is_refused_and_kept(db, settings, desk, button, state):
    comment = commented(db, settings)
    desk.press(button, rows(desk.page("/staff/comments"))[0])
    assert states(db) == [CommentState(state)]
    (row,) = rows(desk.page("/staff/comments?show=refused"))
    assert comment.body in row.words
    assert ("A person said that it is spam." in row.words) == (button == "Spam")


def test_what_was_set_apart_says_why_and_is_published_all_the_same(db, settings, desk):
    commented(db, settings, suspicions=["The message holds 9 web addresses."])
    (row,) = rows(desk.page("/staff/comments?show=suspected"))
    assert "The message holds 9 web addresses." in row.words
    desk.press("Publish", row)
    assert states(db) == [CommentState.PUBLISHED]


def test_who_answers_may_type_at_once(db, settings, desk):
    commented(db, settings)
    (row,) = rows(desk.page("/staff/comments"))
    address, _, place = next(a["href"] for a in row.all("a") if a.words.startswith("Answer")).partition("#")
    assert desk.page(address).with_id(place).tag == "textarea"


def test_many_are_published_at_once_but_for_those_that_changed(app, db, settings, desk):
    commented(db, settings), commented(db, settings), commented(db, settings)
    page = desk.page("/staff/comments")
    ticked = [box["value"] for box in page.all("input", type="checkbox")]
    with db.write() as session:
        session.query(Comment).order_by(Comment.id).first().number = 2
    form = page.with_id("together")
    answer = desk.client.post(form["action"], data={**form.fields, "comment": ticked})
    assert states(db) == [CommentState.HELD, CommentState.PUBLISHED, CommentState.PUBLISHED]
    page = desk.page(answer.location)
    assert "2 comments are public now." in page.words
    assert "changed the comment while you were reading" in page.words
    desk.press("Undo", page)
    assert states(db) == [CommentState.HELD] * 3


def test_nothing_ticked_publishes_nothing(db, settings, desk):
    commented(db, settings)
    page = desk.page(desk.press("Publish the ticked", desk.page("/staff/comments")).location)
    assert "Tick the comments first" in page.words


def test_an_answer_is_public_in_the_institutes_name(db, settings, desk, client):
    comment = commented(db, settings)
    desk.press("Publish the answer", desk.page(f"/staff/comments/{comment.public_id}"), answer="On every project.")
    text = client.get(f"/comments/{comment.chapter}").text
    assert "On every project." in text
    assert "TPM Institute</span>" in text


def test_an_answer_that_cant_be_published_comes_back_as_it_was_typed(db, settings, desk):
    comment = commented(db, settings)
    page = desk.page(f"/staff/comments/{comment.public_id}")
    with db.write() as session:
        session.query(Comment).one().number = 2
    answer = desk.press("Publish the answer", page, answer="On every project.")
    assert answer.status_code == 422
    assert "On every project." in answer.text
    assert "Read it again" in answer.text
    assert states(db) == [CommentState.HELD]


def test_a_question_with_an_address_becomes_an_inquiry_with_one_press(db, settings, desk):
    comment = commented(db, settings, email="ada@example.org")
    answer = desk.press("Make it an inquiry", rows(desk.page("/staff/comments"))[0])
    assert answer.location.endswith(f"/staff/contacts/{contact_of(db).public_id}")
    with db.read() as session:
        inquiry = session.query(Inquiry).one()
        assert (inquiry.message, inquiry.along.about) == (comment.body, "the chapter “Gaining Relevant Experience”")
    assert comment_of(db, comment.public_id).inquiry == inquiry.public_id
    page = desk.page(answer.location)
    assert "Commented on the guide" in page.words
    again = desk.client.post(
        f"/staff/comments/{comment.public_id}/inquiry", data={"csrf_token": desk.token, "number": "1"}
    )
    assert "made an inquiry already" in desk.page(again.location).words
    assert len(messages(db, kind=MessageKind.ACKNOWLEDGEMENT)) == 1


def test_a_comment_without_an_address_says_that_it_cant_become_an_inquiry(db, settings, desk):
    comment = commented(db, settings)
    page = desk.page("/staff/comments")
    assert "can’t become an inquiry" in page.words
    assert "Make it an inquiry" not in " ".join(labels(page))
    address = f"/staff/comments/{comment.public_id}/inquiry"
    answer = desk.client.post(address, data={"csrf_token": desk.token, "number": "1"})
    assert "left no e-mail address" in desk.page(answer.location).words


def test_what_waits_stands_on_today_and_in_the_rail(db, settings, desk):
    comment = commented(db, settings)
    commented(db, settings, suspicions=["Spam."])
    page = desk.page("/staff/?only=comments")
    (need,) = page.all("li", class_="need")
    assert need.first("a")["href"] == f"/staff/comments/{comment.public_id}"
    assert "on “Gaining Relevant Experience”" in need.words
    assert "Comments 1" in page.first("nav").words


def test_a_reader_reads_and_decides_nothing(db, settings, desk_of):
    commented(db, settings)
    page = desk_of("Charlie", Role.READER).page("/staff/comments")
    assert rows(page)[0].all("button") == []
    assert page.all("input", name="comment") == []


def test_the_audit_log_has_the_press_once(db, settings, desk):
    commented(db, settings)
    desk.press("Publish", rows(desk.page("/staff/comments"))[0])
    with db.read() as session:
        entries = session.query(AuditEntry).filter(AuditEntry.action.like("%publish%")).all()
    assert [(entry.action, entry.kind, entry.address) for entry in entries] == [
        ("comment_published", "comment", "127.0.0.1")
    ]


def test_all_comments_are_handed_out_as_json_and_the_audit_log_says_so(db, settings, desk):
    comment = commented(db, settings)
    answer = desk.press("Export all", desk.page("/staff/comments"))
    assert answer.json["comments"][0]["id"] == comment.public_id
    assert answer.headers["Cache-Control"] == "no-store"
    with db.read() as session:
        assert session.query(AuditEntry).filter_by(action="comments_exported").count() == 1


def test_what_was_refused_is_forgotten_for_good_at_its_writers_wish(db, settings, desk):
    comment = commented(db, settings, email="ada@example.org")
    desk.press("Refuse", rows(desk.page("/staff/comments"))[0])
    desk.press("Forget its words", desk.page(f"/staff/comments/{comment.public_id}"))
    assert comment_of(db, comment.public_id).body == "Forgotten at its writer’s wish."
    assert "Publish" not in " ".join(labels(desk.page(f"/staff/comments/{comment.public_id}").first("main")))
