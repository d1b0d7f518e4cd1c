"""Two contacts are compared, merged and made two again at the desk."""

import pytest
from sqlalchemy import select, update

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import labels
from tests.factories import ADA, contact_of, submitted
from tpminstitute.accounts.models import Role
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.tags import add_tag
from tpminstitute.merging.duplicates import compare_waiting
from tpminstitute.merging.models import DuplicatePair, Merge, PairState

HOME = "ada+home@example.org"
LIST = "/staff/duplicates"

pytestmark = on_sqlite


@pytest.fixture
def two(db, settings):
    """Ada wrote from two addresses that lead to one mailbox."""
    submitted(db, settings)
    submitted(db, settings, email=HOME, name="Ada King <b>")
    compare_waiting(db)
    return contact_of(db), contact_of(db, HOME)


def state(db):
    with db.read() as session:
        return session.scalars(select(DuplicatePair.state)).one()


def merges(db):
    with db.read() as session:
        return session.scalars(select(Merge)).all()


def preview(desk, two):
    return desk.page(f"/staff/merge?one={two[0].public_id}&other={two[1].public_id}")


def merged(desk, two):
    return desk.press("Merge the two", preview(desk, two))


def test_an_empty_list_says_how_a_pair_gets_on_it(desk):
    for show, words in (("", "No two contacts"), ("dismissed", "No pair was said"), ("merged", "Nobody was merged")):
        assert words in desk.page(f"{LIST}?show={show}").first("main").words


def test_a_pair_says_who_they_are_and_why(desk, two):
    row = desk.page(LIST).first("ul", class_="rows").first("li").words
    assert ADA in row
    assert "Ada King <b>" in row
    assert "Their addresses lead to the same mailbox." in row


def test_a_pair_is_shown_beside_each_of_the_two(desk, two):
    tools = desk.page(f"/staff/contacts/{two[0].public_id}").first("aside", class_="tools")
    assert "May be the same as Ada King <b>" in tools.words


def test_two_people_are_no_pair_any_more_and_it_can_be_undone(db, desk, two):
    assert desk.press("They are two", desk.page(LIST)).status_code == 303
    assert state(db) is PairState.DISMISSED
    page = desk.page(LIST)
    assert "No two contacts" in page.first("main").words
    desk.press("Undo", page)
    assert state(db) is PairState.OPEN


def test_the_preview_shows_field_by_field_what_stays(db, desk, two):
    with db.write() as session:
        add_tag(session, two[1].id, "spring", 1)
    words = preview(desk, two).first("main").words
    for said in ("Name", "Ada Lovelace", "Ada King <b>", "Main address", HOME, "Open lead", "spring", "1 inquiry"):
        assert said in words, said
    assert merges(db) == []


def test_what_was_chosen_stays(db, desk, two):
    desk.press("Merge the two", preview(desk, two), name="second", email="second")
    with db.read() as session:
        one = session.get_one(Contact, two[0].id)
    assert (one.name, one.email_key) == ("Ada King <b>", HOME)


def test_after_a_merge_the_page_of_who_remains_opens_and_the_old_address_leads_there(db, desk, two):
    answer = merged(desk, two)
    assert answer.headers["Location"].endswith(f"/staff/contacts/{two[0].public_id}")
    old = desk.client.get(f"/staff/contacts/{two[1].public_id}")
    assert (old.status_code, old.headers["Location"]) == (302, f"/staff/contacts/{two[0].public_id}")


def test_a_merge_is_undone_by_the_bar_and_by_its_page(db, desk, two):
    merged(desk, two)
    desk.press("Undo", desk.page(f"/staff/contacts/{two[0].public_id}"))
    assert contact_of(db, HOME).id == two[1].id
    merged(desk, two)
    record = desk.page(desk.page(f"{LIST}?show=merged").first("li", class_="row").first("a")["href"])
    assert "Alice" in record.first("main").words
    desk.press("Make them two again", record)
    assert contact_of(db, HOME).merged_into_id is None


def test_a_merge_says_whom_it_was_and_what_it_changed(desk, two):
    merged(desk, two)
    row = desk.page(f"{LIST}?show=merged").first("li", class_="row")
    assert row.words.startswith(f"{two[1].name} merged into ")
    record = desk.page(row.first("a")["href"]).first("main")
    assert f"Was merged{two[1].name}, {HOME}" in record.words
    assert "Changed1 inquiry, 2 mails of ours, " in record.words
    desk.press("Make them two again", desk.page(row.first("a")["href"]))
    assert f"Was merged{two[1].name}, {HOME}" in desk.page(row.first("a")["href"]).first("main").words


def test_who_remains_is_said_in_a_sentence_for_narrow_screens_and_screen_readers_too(desk, two):
    remains, goes = two[0], two[1]
    words = desk.page(f"/staff/merge?one={remains.public_id}&other={goes.public_id}").first("main").words
    assert f"Everything of {goes.name} ({goes.email}) goes to {remains.name} ({remains.email})" in words


def test_a_page_that_is_stale_shows_both_anew_and_keeps_the_choice(db, desk, two):
    page = preview(desk, two)
    with db.write() as session:
        session.execute(update(Contact).where(Contact.id == two[1].id).values(name="Augusta King", number=2))
    answer = desk.press("Merge the two", page, name="second")
    assert answer.status_code == 409
    alert = read(answer.text).first("div", role="alert")
    assert "has changed since you opened this page" in alert.words
    assert "autofocus" in alert.attrs
    assert "Augusta King" in answer.text
    assert merges(db) == []


def test_a_form_that_is_sent_twice_merges_once(db, desk, two):
    page = preview(desk, two)
    desk.press("Merge the two", page)
    answer = desk.press("Merge the two", page)
    assert answer.status_code == 303
    assert len(merges(db)) == 1


def test_a_merge_that_was_undone_is_not_undone_again(desk, two):
    merged(desk, two)
    record = desk.page("/staff/merges/1")
    desk.press("Make them two again", record)
    answer = desk.press("Make them two again", record)
    assert answer.status_code == 409
    assert "undone already" in answer.text


def test_anybody_is_merged_with_whom_an_address_names(db, settings, desk, two):
    submitted(db, settings, email="third@example.net", name="Third")
    one = two[0].public_id
    assert "Third" in desk.page(f"/staff/merge?one={one}&address=THIRD@example.net").first("main").words
    for address in ("nobody@example.net", "no address", ADA):
        answer = desk.client.get(f"/staff/merge?one={one}&address={address}")
        assert answer.status_code == 303


@pytest.mark.parametrize("path", ["/staff/merge?one=x&other=y", "/staff/merge", "/staff/merges/4711"])
def test_what_is_not_there_is_not_found(desk, path):
    assert desk.client.get(path).status_code == 404


def test_a_decision_about_a_pair_that_is_gone_says_so(db, desk, two):
    page = desk.page(LIST)
    merged(desk, two)
    desk.press("They are two", page)
    assert "not there any more" in desk.page(LIST).text


def test_a_reader_looks_and_changes_nothing(db, desk_of, two):
    reader = desk_of("Rita", Role.READER)
    assert not {"They are two", "Merge the two"} & set(labels(reader.page(LIST)))
    token = {"csrf_token": reader.token}
    assert reader.client.get(f"/staff/merge?one={two[0].public_id}&other={two[1].public_id}").status_code == 403
    for path in ("/staff/merge", "/staff/duplicates/1/dismiss", "/staff/merges/1/undo"):
        assert reader.client.post(path, data=token).status_code == 403
