"""Many contacts at once at the desk: ticked or a whole list, shown before, done, and taken back."""

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import contact_of, submitted
from tpminstitute.accounts.models import Account, AuditEntry, Role
from tpminstitute.contacts.models import Contact, ContactTag
from tpminstitute.lists import bulk
from tpminstitute.lists.models import BulkAction
from tpminstitute.pipeline.models import LeadEnding


@pytest.fixture
def three(db, settings):
    """Ana, Ben and Cleo wrote."""
    for name, topic in (("Ana", "csm"), ("Ben", "pmp"), ("Cleo", "pmp")):
        submitted(db, settings, email=f"{name.lower()}@example.org", name=name, topic=topic, consents=True)


def tagged(db):
    with db.read() as session:
        names = select(Contact.name).join(ContactTag, ContactTag.contact_id == Contact.id).order_by(Contact.name)
        return list(session.scalars(names))


def id_of(db, name):
    return contact_of(db, f"{name}@example.org").public_id


def preview(desk, address, **to):
    """Open the preview of what the address chooses."""
    query = "&".join(f"{key}={value}" for key, value in to.items())
    return desk.page(f"/staff/contacts/bulk?{address}&{query}")


def test_a_whole_list_is_tagged_after_a_look_and_untagged_by_undo(db, desk, three):
    page = preview(desk, "whom=all&topic=pmp", do="tag", to_tag="Hot")
    assert "This happens to 2 contacts" in page.text
    assert "about “Project Management Professional (PMP)”" in page.text
    page = desk.page(desk.press("Do it for 2 contacts", page).location)
    assert tagged(db) == ["Ben", "Cleo"]
    assert page.first("div", class_="undo").first("p").words == "Put the tag “hot” on them."
    page = desk.page(desk.press("Undo", page).location)
    assert "It is taken back." in page.text
    assert tagged(db) == []


def test_leads_that_end_together_are_asked_how_and_go_back(db, desk, three):
    page = preview(desk, "whom=all&topic=pmp", do="move", to_move="4")
    assert page.first("p", id="to_reason-error").words == "Choose why it was lost: the reports count the reasons."
    assert "Do it for" not in page.text
    page = preview(desk, "whom=all&topic=pmp", do="move", to_move="4", to_reason="2", to_note="In May")
    assert "In May. Their follow-ups stop." in page.text
    page = desk.page(desk.press("Do it for 2 contacts", page).location)
    with db.read() as session:
        assert session.execute(select(LeadEnding.lost_reason_id, LeadEnding.note)).all() == [(2, "In May")] * 2
    desk.press("Undo", page)
    with db.read() as session:
        assert session.scalars(select(LeadEnding)).all() == []


@on_sqlite
def test_an_ending_that_cannot_be_is_said_and_nothing_done(db, desk, three):
    address = "/staff/contacts/bulk?whom=all&do=move&to_move=3&to_course_date=99"
    assert "this date is not in the calendar any more" in desk.page(address).text
    desk.client.post(address, data={"csrf_token": desk.token, "expected": "3"})
    with db.read() as session:
        assert session.scalars(select(BulkAction)).all() == []


def test_only_who_was_ticked_is_meant(db, desk, three):
    page = preview(desk, f"contact={id_of(db, 'ana')}&contact={id_of(db, 'cleo')}", do="tag", to_tag="hot")
    desk.press("Do it for 2 contacts", page)
    assert tagged(db) == ["Ana", "Cleo"]


def test_the_list_leads_there_with_its_filters(desk, three):
    page = desk.page("/staff/contacts?topic=pmp&order=name")
    form = page.first("form", class_="bulk")
    assert (form["action"], form.fields["topic"], form.fields["order"]) == ("/staff/contacts/bulk", "pmp", "name")


def test_a_list_that_grew_since_is_looked_at_once_more(db, settings, desk, three):
    page = preview(desk, "whom=all", do="tag", to_tag="hot")
    submitted(db, settings, email="dan@example.org")
    answer = desk.press("Do it for 3 contacts", page)
    again = desk.page(answer.location)
    assert "would happen to 4 and not to 3" in again.text
    assert "Do it for 4 contacts" in again.text
    assert tagged(db) == []


def test_work_that_goes_on_says_how_far_it_is(db, desk, three, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    page = desk.page(desk.press("Do it", preview(desk, "whom=all", do="tag", to_tag="hot")).location)
    assert "It is being done: 2 of 3 still wait." in page.text
    bulk.go_on(db)
    assert "still wait" not in desk.page(page["address"]).text


@on_sqlite
def test_what_was_done_in_the_last_day_is_listed_and_on_the_record(db, desk, three):
    desk.press("Do it", preview(desk, "whom=all", do="stop"))
    page = desk.page("/staff/bulk")
    assert "Stop their follow-ups." in page.text
    with db.read() as session:
        (said,) = session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "contacts_changed_together"))
    assert said == "3 contacts: Stop their follow-ups. Whom: All contacts."


@on_sqlite
def test_what_was_searched_for_is_shown_and_not_put_on_the_record(db, desk, three):
    page = preview(desk, "whom=all&q=cleo@example.org", do="stop")
    assert "Among whom the search finds for “cleo@example.org”." in page.text
    desk.press("Do it for 1 contact", page)
    with db.read() as session:
        said = session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "contacts_changed_together")).all()
        said += session.scalars(select(BulkAction.whom)).all()
    assert [("cleo" in each, "Among whom a search finds." in each) for each in said] == [(False, True)] * 2


@on_sqlite
def test_nothing_ticked_is_said(desk, three):
    answer = desk.client.get("/staff/contacts/bulk?topic=pmp&order=name")
    page = desk.page(answer.location)
    assert "Nobody was ticked" in page.text
    assert "about “Project Management Professional (PMP)”" in page.first("ul", class_="chips").words
    assert "by name" in page.first("p", class_="list-says").words


@on_sqlite
def test_what_was_chosen_stays_while_it_is_not_said_what_to_do(desk, three):
    page = desk.page("/staff/contacts/bulk?whom=all&topic=pmp&to_assign=1&to_tag=vip&to_move=2")
    form = page.first("form", class_="ways")
    assert [form.fields[name] for name in ("to_assign", "to_tag", "to_move")] == ["1", "vip", "2"]
    assert all("required" in box.attrs for box in form.all("input") if box["type"] == "radio")


@on_sqlite
@pytest.mark.parametrize(
    ("to", "says"),
    [
        ({"do": "assign", "to_assign": "99"}, "Choose who looks after them"),
        ({"do": "assign", "to_assign": "x' OR 1=1"}, "Choose who looks after them"),
        ({"do": "move", "to_move": "9" * 40}, "Choose the stage"),
        ({"do": "tag", "to_tag": ""}, "A tag needs a word"),
    ],
)
def test_a_target_that_is_none_is_said_and_nothing_done(db, desk, three, to, says):
    page = preview(desk, "whom=all", **to)
    assert says in page.text
    assert "Do it for" not in page.text
    address = "/staff/contacts/bulk?whom=all&" + "&".join(f"{key}={value}" for key, value in to.items())
    desk.client.post(address, data={"csrf_token": desk.token, "expected": "3"})
    with db.read() as session:
        assert session.scalars(select(BulkAction)).all() == []


@on_sqlite
@pytest.mark.parametrize("expected", ["", "-1", "three", "9" * 20, "٣"])
def test_a_forged_number_is_refused(db, desk, three, expected):
    data = {"csrf_token": desk.token, "expected": expected}
    assert desk.client.post("/staff/contacts/bulk?whom=all&do=stop", data=data).status_code == 400


@on_sqlite
def test_a_filter_that_cannot_be_read_means_nobody(db, desk, three):
    page = preview(desk, "whom=all&stage=x", do="tag", to_tag="hot")
    assert "There is nobody to whom this would happen" in page.text


@on_sqlite
def test_a_hostile_tag_is_inert(desk, three):
    text = desk.client.get("/staff/contacts/bulk?whom=all&do=tag&to_tag=<script>alert(1)</script>").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;” on them." in text


@on_sqlite
def test_a_reader_looks_and_does_nothing(db, desk, three):
    page = preview(desk, "whom=all", do="stop")
    desk.press("Do it", page)
    with db.write() as session:
        session.scalars(select(Account)).one().role = Role.READER
    assert desk.client.get("/staff/contacts/bulk?whom=all").status_code == 403
    data = {"csrf_token": desk.token, "expected": "3"}
    assert desk.client.post("/staff/contacts/bulk?whom=all&do=stop", data=data).status_code == 403
    assert desk.client.post("/staff/bulk/1/undo", data=data).status_code == 403
    assert "Take it back" not in desk.page("/staff/bulk/1").text


@on_sqlite
def test_what_is_no_action_is_no_page_and_is_not_undone(desk, three):
    assert desk.client.get("/staff/bulk/99").status_code == 404
    answer = desk.client.post("/staff/bulk/99/undo", data={"csrf_token": desk.token})
    assert answer.status_code == 303


def test_a_list_is_looked_at_before_follow_ups_begin(db, desk, three):
    page = preview(desk, "whom=all&topic=csm")
    link = next(link for link in page.all("a") if link.words.startswith("Look who of them can begin"))
    enroll = desk.page(link["href"])
    assert "Only contacts of the list that you came from" in enroll.text
    assert "Ana" in enroll.text
    assert "Ben" not in enroll.text
