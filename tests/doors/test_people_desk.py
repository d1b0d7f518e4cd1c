"""The list of contacts at the desk: filters in the address, columns, views, and whatever else an address may say."""

from urllib.parse import urlencode

import pytest
from sqlalchemy import insert, select

from tests.conftest import on_postgresql, on_sqlite
from tests.doors.html import active_content
from tests.doors.naughty import NAUGHTY
from tests.factories import an_account, contact_of, submitted
from tpminstitute.accounts.models import Account, Role
from tpminstitute.contacts.models import ContactTag
from tpminstitute.core import clock
from tpminstitute.lists import paging
from tpminstitute.lists.models import ListHabit, SavedView
from tpminstitute.lists.search_upkeep import settle
from tpminstitute.web.staff import people as people_pages

HOSTILE = ["'; DROP TABLE contacts; --", "<script>alert(1)</script>", "\u202eevil", "9" * 400, "-1", "%00", "١٢"]
PARAMETERS = ("stage", "owner", "topic", "tag", "source", "turn", "quiet", "seen_from", "running", "order", "q")
PLACES = ("view", "after", "before", "column")


@pytest.fixture
def three(db, settings):
    """Ana, Ben and Cleo wrote, in this order, each about something else."""
    for name, topic in (("Ana", "csm"), ("Ben", "pmp"), ("Cleo", "courses")):
        submitted(db, settings, email=f"{name.lower()}@example.org", name=name, topic=topic)
    settle(db)


def people(page):
    """The names in the list."""
    return [row.first("a").words for body in page.all("tbody") for row in body.all("tr")]


def test_the_list_shows_everybody_last_touch_first(desk, three):
    page = desk.page("/staff/contacts")
    assert people(page) == ["Cleo", "Ben", "Ana"]
    assert "3 contacts, last touch first" in page.text


def test_filters_combine_and_are_shown_as_words_that_can_be_taken_away(db, desk, three):
    with db.write() as session:
        for name in ("ana", "ben"):
            values = {"contact_id": contact_of(db, f"{name}@example.org").id, "tag": "hot", "at": clock.now()}
            session.execute(insert(ContactTag).values(**values, account_id=session.scalar(select(Account.id))))
    page = desk.page("/staff/contacts?tag=hot&topic=pmp&topic=courses")
    assert people(page) == ["Ben"]
    chips = page.first("ul", class_="chips").all("a")
    assert chips[1].words.startswith("tagged “hot”")
    assert people(desk.page(chips[0]["href"])) == ["Ben", "Ana"]


@on_sqlite
@pytest.mark.parametrize("where", ["/staff/contacts", "/staff/contacts/bulk?whom=all"])
def test_the_tags_that_there_are_are_offered_where_one_is_typed_and_hostile_ones_are_inert(db, desk, three, where):
    harmless = active_content(desk.page(where))
    ana = contact_of(db, "ana@example.org").public_id
    for word in ("Evening", *NAUGHTY.values()):
        desk.client.post(f"/staff/contacts/{ana}/tags", data={"csrf_token": desk.token, "tag": word})
    page = desk.page(where)
    offered = page.with_id("known-tags").all("option")
    assert "evening" in [option["value"] for option in offered]
    assert [option["value"] for option in offered] == desk.client.get("/staff/tags").json
    assert len(offered) > 3
    assert {field["list"] for field in page.all("input") if field["name"] in ("tag", "to_tag", "to_untag")} == {
        "known-tags"
    }
    assert active_content(page) == harmless


@on_sqlite
def test_the_form_fills_itself_with_what_was_chosen(desk, three):
    page = desk.page("/staff/contacts?topic=pmp&quiet=0&order=name")
    form = page.first("form", class_="choices")
    assert form.fields["quiet"] == "0"
    assert form.fields["order"] == "name"
    ticked = [box["value"] for box in form.all("input") if "checked" in box.attrs]
    assert ticked == ["pmp"]


@on_sqlite
def test_words_are_searched_and_combine_with_filters(desk, three):
    assert people(desk.page("/staff/contacts?q=ben")) == ["Ben"]
    assert people(desk.page("/staff/contacts?q=begin&topic=courses")) == ["Cleo"]
    assert people(desk.page("/staff/contacts?q=nobodyiscalledso")) == []


@on_sqlite
@pytest.mark.parametrize("path", ["/staff/contacts", "/staff/contacts/export", "/staff/contacts/bulk"])
def test_a_search_that_finds_more_than_a_list_can_hold_says_so(desk, three, monkeypatch, path):
    told = "The search finds more than 1, and only the first 1 of them are looked at."
    assert told not in desk.page(f"{path}?q=example&whom=all").text
    monkeypatch.setattr(people_pages, "FOUND_AT_MOST", 1)
    assert told in desk.page(f"{path}?q=example&whom=all").text


def test_pages_lead_down_and_back_up(desk, three, monkeypatch):
    monkeypatch.setattr(paging, "PAGE", 2)
    first = desk.page("/staff/contacts?order=name")
    second = desk.page(first.first("a", rel="next")["href"])
    assert (people(first), people(second)) == (["Ana", "Ben"], ["Cleo"])
    assert people(desk.page(second.first("a", rel="prev")["href"])) == ["Ana", "Ben"]


@on_sqlite
def test_a_filter_that_cannot_be_read_lists_nobody_and_says_which(desk, three):
    page = desk.page("/staff/contacts?seen_from=yesterday")
    assert people(page) == []
    assert "“yesterday” can’t be read as “first seen from”" in page.text


@on_sqlite
def test_whatever_stands_in_an_address_is_answered_and_inert(desk, three):
    for name in (*PARAMETERS, *PLACES):
        assert_answered(desk, name)


@on_postgresql
def test_whatever_reaches_the_database_is_answered(desk, three):
    for name in ("topic", "tag", "q", "after"):
        assert_answered(desk, name)


@on_sqlite
def test_a_forged_form_with_a_list_of_thousands_of_filters_is_refused(desk, three):
    forged = "&".join(["tag=vip"] * 1_500)
    data = {"csrf_token": desk.token, "name": "Forged", "list": forged}
    assert desk.client.post("/staff/contacts/views", data=data).status_code == 400
    assert desk.client.get(f"/staff/sequences/1/enroll?{urlencode({'list': forged})}").status_code == 400
    assert "Forged" not in desk.page("/staff/contacts").text


def assert_answered(desk, name):
    """Put hostile texts into a parameter: the page is there, and they are inert in it."""
    for value in HOSTILE:
        answer = desk.client.get("/staff/contacts", query_string={"order": "name", name: value})
        assert answer.status_code in (200, 404), (name, value)
        assert "<script>alert" not in answer.text, (name, value)
        assert "\u202e" not in answer.text, (name, value)


@on_sqlite
def test_a_hostile_name_is_inert_in_the_list(db, settings, desk):
    submitted(db, settings, name="<b>Ada\u202e</b>")
    page = desk.client.get("/staff/contacts").text
    assert "&lt;b&gt;Ada⟨U+202E⟩&lt;/b&gt;" in page


# --- columns ---------------------------------------------------------------------------------------------------


@on_sqlite
def columns(page):
    """The columns of the list, beside the name."""
    return [head.words for head in page.first("thead").all("th")[1:]]


def with_columns(desk, page, *ticked):
    """Tick these columns on a page; returns the page that follows."""
    form = next(form for form in page.all("form") if form["action"] == "/staff/contacts/columns")
    answer = desk.client.post("/staff/contacts/columns", data=form.fields | {"column": [*ticked]})
    return desk.page(answer.location)


def test_columns_are_chosen_and_kept(db, desk, three):
    page = desk.page("/staff/contacts?topic=pmp")
    page = with_columns(desk, page, "phone", "seen", "no such column")
    assert people(page) == ["Ben"]
    assert columns(page) == ["Phone", "First seen"]
    with db.read() as session:
        assert session.scalars(select(ListHabit)).one().columns == ["phone", "seen"]


# --- views -----------------------------------------------------------------------------------------------------


def save(desk, address, name, **more):
    """Save the list at an address as a view; returns the page that follows."""
    page = desk.page(address)
    return desk.page(desk.press("Save the view", page, name=name, **more).location)


def view(db, name="PMP"):
    with db.read() as session:
        return session.scalars(select(SavedView).where(SavedView.name == name)).one()


def test_a_view_keeps_filters_order_and_columns(db, desk, three):
    page = save(desk, "/staff/contacts?topic=pmp&topic=csm&order=name", "PMP")
    assert people(page) == ["Ana", "Ben"]
    page = desk.page(f"/staff/contacts?view={view(db).id}")
    assert people(page) == ["Ana", "Ben"]
    assert page.first("nav", class_="filters").all("a")[1]["aria-current"] == "true"


@on_sqlite
@pytest.mark.parametrize(("ticked", "shown"), [(["phone"], ["Phone"]), ([], [])])
def test_columns_are_chosen_in_a_view_which_keeps_its_own_until_it_is_told(db, desk, three, monkeypatch, ticked, shown):
    monkeypatch.setattr(paging, "PAGE", 1)
    own = columns(desk.page("/staff/contacts"))
    usual = columns(save(desk, "/staff/contacts?topic=pmp&topic=csm", "PMP"))
    address = f"/staff/contacts?view={view(db).id}"
    page = with_columns(desk, desk.page(address), *ticked)
    assert columns(page) == shown
    assert "the view is as it was" in page.words
    assert columns(desk.page(page.first("nav", class_="pages").first("a")["href"])) == shown
    narrowed = page.first("form", class_="choices")
    assert columns(desk.page(f"/staff/contacts?{urlencode(narrowed.fields)}")) == shown
    assert columns(desk.page(address)) == usual
    assert columns(desk.page("/staff/contacts?view=all")) == own
    desk.press("Let it show this list", page)
    assert columns(desk.page(address)) == shown


@on_sqlite
def test_a_list_opens_with_the_view_that_its_reader_chose(db, desk, three):
    page = save(desk, "/staff/contacts?topic=pmp", "PMP")
    desk.press("Open my list with it", page)
    assert people(desk.page("/staff/contacts")) == ["Ben"]
    assert len(people(desk.page("/staff/contacts?view=all"))) == 3


@on_sqlite
def test_a_view_is_renamed_replaced_and_removed(db, desk, three):
    page = save(desk, "/staff/contacts?topic=pmp", "PMP")
    page = desk.page(desk.press("Save the name", page, name="Project managers").location)
    assert "Project managers" in page.first("nav", class_="filters").text
    changed = desk.page(f"/staff/contacts?view={view(db, 'Project managers').id}&topic=csm")
    page = desk.page(desk.press("Let it show this list", changed, do="replace").location)
    assert people(page) == ["Ana"]
    page = desk.page(desk.press("Remove the view", page, do="remove").location)
    assert "is removed" in page.text
    assert len(people(page)) == 3


@on_sqlite
def test_a_view_that_changed_meanwhile_is_not_overwritten(db, desk, three):
    page = save(desk, "/staff/contacts?topic=pmp", "PMP")
    desk.press("Save the name", page, name="First")
    answer = desk.press("Save the name", page, name="Second")
    assert "changed since you opened it" in desk.page(answer.location).text
    assert view(db, "First").number == 2


def of_bob(db, *, shared):
    """Return the id of a view of Bob's."""
    with db.write() as session:
        bob = an_account(session, "Bob")
        made = SavedView(account_id=bob.id, name="Bobs", shared=shared, query="topic=csm", columns=[], at=clock.now())
        session.add(made)
        session.flush()
        return made.id


def test_a_colleagues_own_view_is_nobody_elses(db, desk, three):
    view_id = of_bob(db, shared=False)
    assert desk.client.get(f"/staff/contacts?view={view_id}").status_code == 404
    data = {"csrf_token": desk.token, "number": "1", "do": "remove", "list": ""}
    answer = desk.client.post(f"/staff/contacts/views/{view_id}", data=data)
    assert "a colleague’s own" in desk.page(answer.location).text
    assert view(db, "Bobs")


def test_a_shared_view_is_seen_by_all_and_changed_by_its_maker(db, desk, three):
    view_id = of_bob(db, shared=True)
    page = desk.page(f"/staff/contacts?view={view_id}")
    assert people(page) == ["Ana"]
    data = {"csrf_token": desk.token, "number": "1", "do": "remove", "list": ""}
    answer = desk.client.post(f"/staff/contacts/views/{view_id}", data=data)
    assert "a colleague’s, who shares it" in desk.page(answer.location).text


@on_sqlite
@pytest.mark.parametrize(
    ("name", "says"), [("", "needs a name"), ("x" * 61, "60 characters at most"), ("PMP", "already")]
)
def test_a_view_needs_a_name_of_its_own(db, desk, three, name, says):
    save(desk, "/staff/contacts?topic=pmp", "PMP")
    assert says in save(desk, "/staff/contacts?topic=csm", name).text


@on_sqlite
def test_a_list_that_cannot_be_read_is_no_view(db, desk, three):
    assert "Nothing was saved" in save(desk, "/staff/contacts?stage=x", "Broken").text


@on_sqlite
def test_a_reader_looks_and_keeps_views(db, desk, three):
    with db.write() as session:
        session.scalars(select(Account)).one().role = Role.READER
    page = save(desk, "/staff/contacts?topic=pmp", "PMP")
    assert people(page) == ["Ben"]
    assert page.all("input", name="contact") == []


@on_sqlite
def test_a_list_is_handed_out_as_it_is_narrowed(desk, three):
    form = desk.page("/staff/contacts?q=begin&topic=courses").first("form", class_="bulk")
    query = "&".join(f"{name}={value}" for name, value in form.fields.items() if name != "contact")
    export = desk.page(f"/staff/contacts/export?{query}")
    assert "Among whom the search finds for “begin”." in export.text
    answer = desk.press("Export", export, format="jsonl", field="name")
    assert [line.count("Cleo") for line in answer.text.splitlines()] == [1]
