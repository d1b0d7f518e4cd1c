"""Handing contacts out at the desk."""

import csv
import io
import json

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import contact_of, submitted
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.contacts.tags import add_tag
from tpminstitute.core import clock

HOME = "/staff/contacts/export"

pytestmark = on_sqlite


@pytest.fixture
def ada(db, settings):
    submitted(db, settings, name="=cmd|' /C calc'!A0", phone=("+1 215 430 2201", "+12154302201"))
    return contact_of(db)


def exported(desk, **fields):
    """Press Export with all boxes as they are ticked at first."""
    page = desk.page(fields.pop("address", HOME))
    ticked = [box["value"] for box in page.all("input", name="field") if "checked" in box.attrs]
    chosen = {box["name"]: box["value"] for box in page.all("input", type="hidden")}
    answer = desk.client.post(
        page.first("form", class_="export-form")["action"], data=chosen | {"field": ticked} | fields
    )
    assert answer.status_code == 200
    return answer


def test_all_contacts_are_handed_out_for_a_spreadsheet(desk, ada):
    answer = exported(desk, format="csv")
    assert answer.headers["Content-Disposition"] == f"attachment; filename=contacts-{clock.now():%Y-%m-%d}.csv"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    heading, row = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
    cells = dict(zip(heading, row, strict=True))
    assert cells["Name"] == "'=cmd|' /C calc'!A0"
    assert cells["Phone"] == "'+1 215 430 2201"
    assert cells["E-mail"] == "ada@example.org"


@pytest.mark.parametrize(
    ("form", "media_type", "begins"),
    [
        ("csv_plain", "text/csv", "Name,"),
        ("json", "application/json", "[\n{"),
        ("jsonl", "application/jsonl", "{"),
        ("vcard", "text/vcard", "BEGIN:VCARD\r\n"),
    ],
)
def test_every_format_is_offered(desk, ada, form, media_type, begins):
    answer = exported(desk, format=form)
    assert (answer.mimetype, answer.text[: len(begins)]) == (media_type, begins)
    assert "Content-Length" not in answer.headers


def test_the_columns_are_chosen(desk, ada):
    answer = desk.client.post(
        HOME, data={"csrf_token": desk.token, "format": "json", "field": ["name", "first_seen", "password"]}
    )
    assert [list(one) for one in json.loads(answer.data)] == [["name", "email", "first_seen"]]


def test_those_that_were_ticked_are_handed_out(db, settings, desk, ada):
    submitted(db, settings, email="grace@example.org", name="Grace")
    answer = exported(desk, format="jsonl", address=f"{HOME}?contact={ada.public_id}")
    assert [json.loads(line)["email"] for line in answer.text.splitlines()] == ["ada@example.org"]


def test_a_view_is_handed_out_with_its_filters_and_columns(db, settings, desk, ada):
    submitted(db, settings, email="grace@example.org", name="Grace", topic="courses")
    with db.write() as session:
        add_tag(session, ada.id, "vip", 1)
    people = desk.page("/staff/contacts?tag=vip&column=stage&column=touched")
    link = next(a for a in people.all("a") if a.words == "Export them")
    page = desk.page(link["href"])
    assert "Contacts tagged “vip”. That is one now." in page.first("main").words
    (row,) = csv.DictReader(io.StringIO(exported(desk, address=link["href"]).data.decode("utf-8-sig"), newline=""))
    assert (row["E-mail"], row["Stage"]) == ("ada@example.org", "New")
    assert exported(desk, address=f"{HOME}?topic=courses&q=Grace", format="jsonl").text.count("\n") == 1


def test_a_filter_that_can_not_be_read_hands_out_nobody(desk, ada):
    assert exported(desk, address=f"{HOME}?stage=x", format="json").text == "[]\n"


def test_what_was_searched_for_is_not_kept_for_good(db, desk, ada):
    exported(desk, address=f"{HOME}?q=Lovelace", format="json")
    with db.read() as session:
        assert not [entry for entry in session.scalars(select(AuditEntry.subject)) if "Lovelace" in entry]


def test_each_export_is_on_record_with_its_number_and_columns(db, desk, ada):
    exported(desk, format="csv")
    with db.read() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.kind) == ("contacts_exported", "export")
    assert entry.subject.startswith("1 contacts as csv: All contacts. Columns: name, email")


def test_a_reader_may_not(desk_of, ada):
    reader = desk_of("Charlie", Role.READER)
    assert reader.client.get(HOME).status_code == 403
    assert reader.client.post(HOME, data={"csrf_token": reader.token}).status_code == 403


def test_an_unknown_format_is_refused(desk, ada):
    answer = desk.client.post(HOME, data={"csrf_token": desk.token, "format": "exe"})
    assert answer.status_code == 409
    assert "Choose one of the formats. Nothing was exported." in answer.text
