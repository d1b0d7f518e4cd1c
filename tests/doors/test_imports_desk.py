"""Bringing contacts in at the desk: the file, its columns, the dry run, the run, the report, the way back."""

import csv
import io

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.people import labels
from tests.factories import contact_of, count
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.contacts.models import Contact, ContactTag
from tpminstitute.core.jobs import Job
from tpminstitute.exchange import imports, work
from tpminstitute.exchange.choices import from_json
from tpminstitute.exchange.models import Import, ImportState
from tpminstitute.web.staff import uploads

HOME = "/staff/imports"
GRACE = "grace@example.org"
SHEET = f"Vorname;Nachname;E-Mail;Notizen\nGrace;Hopper;{GRACE};Grüße\nBob;;bob@;\n".encode("latin-1")

pytestmark = on_sqlite


def bring(desk, content=SHEET, name="leads.csv", **fields):
    file = FileStorage(io.BytesIO(content), name)
    boundary, body = encode_multipart({"csrf_token": desk.token, "file": file} | fields)
    return desk.client.post(HOME, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def brought(desk, *file):
    answer = bring(desk, *file)
    assert answer.status_code == 303, answer.text
    return desk.page(answer.headers["Location"])


def after(desk, answer):
    assert answer.status_code == 303, answer.status
    return desk.page(answer.headers["Location"])


def let_work(db, settings):
    """What a worker does, until nothing is left to do."""
    while (before := states(db)) and any(state in ("checking", "running", "reverting") for state in before):
        work.go_on_with_imports(db, settings)


def states(db):
    with db.read() as session:
        return session.scalars(select(Import.state)).all()


def actions(db):
    with db.read() as session:
        return session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()


def checked(db, settings, desk, *file, **fields):
    """Bring a file, choose its columns as they are guessed, and see the dry run."""
    answer = desk.press("Begin the dry run", brought(desk, *file), existing="fill", **fields)
    let_work(db, settings)
    return after(desk, answer)


# --- the whole way -----------------------------------------------------------------------------------------


def test_a_file_is_brought_looked_at_imported_and_taken_back(db, settings, app, desk):
    page = brought(desk)
    assert "CSV, Western European (Windows-1252, Latin-1), semicolon between the cells, with a heading." in page.text
    assert "Grüße" in page.first("div", class_="preview").text
    answer = desk.press("Begin the dry run", page, existing="fill", tag="Spring fair")
    working = after(desk, answer)
    assert working.first("progress")["value"] == "0"
    assert Job.IMPORT in app.extensions["tpm"].db.publisher.jobs
    let_work(db, settings)
    page = desk.page(working.attrs["address"])
    assert [e.words for e in page.first("dl", class_="report").all("div")] == ["new contact 1", "row left out 1"]
    assert "“bob@” is no e-mail address" in page.text
    assert count(db, Contact) == 0
    answer = desk.press("Import 1 row", page)
    let_work(db, settings)
    page = after(desk, answer)
    assert "contact added 1" in page.first("dl", class_="report").words
    assert contact_of(db, GRACE).name == "Grace Hopper"
    answer = desk.press("Revert the import", page)
    let_work(db, settings)
    page = after(desk, answer)
    assert "contact removed 1" in page.first("dl", class_="report").words
    assert (count(db, Contact), count(db, ContactTag)) == (0, 0)
    assert actions(db) == [
        "bring_file",
        "choose_columns",
        "import_begun",
        "contacts_imported",
        "import_revert_begun",
        "import_reverted",
    ]
    assert "leads.csv" in desk.page(HOME).first("li", class_="row").words


def test_the_progress_is_a_piece_of_the_page(db, settings, desk):
    page = after(desk, desk.press("Begin the dry run", brought(desk), existing="fill"))
    piece = desk.page(f"{page.attrs['address']}/progress")
    assert piece.first("div", class_="import-progress")["data-state"] == "checking"
    assert not piece.all("html")


def test_rows_with_problems_are_downloaded_to_be_mended_and_brought_again(db, settings, desk):
    page = checked(db, settings, desk)
    answer = desk.client.get(f"{page.attrs['address']}/problems")
    heading, row = csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline=""))
    assert heading == ["Vorname", "Nachname", "E-Mail", "Notizen", "Line", "Problem"]
    assert row[:5] == ["Bob", "", "bob@", "", "3"]
    mended = answer.get_data().replace(b"bob@", b"bob@example.org")
    page = checked(db, settings, desk, mended)
    assert page.first("dl", class_="report").words == "new contact 1"
    assert "import_problems_exported" in actions(db)


def test_rows_with_problems_are_handed_out_by_who_acts_and_gave_the_password_lately(db, settings, desk, desk_of):
    address = checked(db, settings, desk).attrs["address"]
    reader = desk_of("Charlie", Role.READER)
    assert f"{address}/problems" not in reader.page(address).text
    assert reader.client.get(f"{address}/problems").status_code == 403
    bob = desk_of("Bob", Role.ADVISOR, password_ago=16 * 60)
    assert "/staff/confirm?" in bob.client.get(f"{address}/problems").headers["Location"]
    assert "import_problems_exported" not in actions(db)


def test_problems_are_turned_by_pages(db, settings, desk):
    page = checked(db, settings, desk, b"Email\n" + b"nobody\n" * 120 + b"a@x.org\n")
    seen = []
    while True:
        seen += [line.words for line in page.all("span", class_="problem-line")]
        more = page.all("a", rel="next")
        if not more:
            break
        page = desk.page(more[0]["href"])
    assert seen == [f"Line {line}" for line in range(2, 122)]


# --- columns -----------------------------------------------------------------------------------------------


def test_another_reading_is_tried_without_keeping_it(db, desk):
    page = brought(desk, "Имя,Email\nЮлия,j@x.org\n".encode("cp1251"))
    assert "Юлия" not in page.text
    page = desk.page(f"{page.attrs['address']}?encoding=cp1251&delimiter=,&heading=yes")
    assert "Юлия" in page.first("div", class_="preview").text
    with db.read() as session:
        assert from_json(session.scalars(select(Import)).one().choices).layout.encoding == "cp1252"


def test_the_columns_as_a_person_chose_them_count(db, settings, desk):
    page = brought(desk, b"Email,Who,Rest\ngrace@example.org,Grace,x\n")
    assert page.with_id("column-1").all("option", selected="")[0]["value"] == ""
    answer = desk.press("Begin the dry run", page, existing="fill", **{"column-1": "name", "column-2": "tags"})
    let_work(db, settings)
    desk.press("Import 1 row", after(desk, answer))
    let_work(db, settings)
    assert contact_of(db, GRACE).name == "Grace"


def test_without_addresses_the_page_comes_back_as_it_was_chosen(desk):
    page = brought(desk, b"Email,Who\ngrace@example.org,Grace\n")
    answer = desk.press("Begin the dry run", page, existing="skip", tag="fair", **{"column-0": "", "column-1": "name"})
    assert answer.status_code == 422
    assert "Choose the column that holds the e-mail addresses" in answer.text
    assert 'value="skip" checked' in answer.text
    assert 'value="fair"' in answer.text


def test_a_thousand_columns_are_folded_but_for_what_is_guessed(desk):
    sheet = ",".join(f"x{n}" for n in range(999)) + ",Email\n" + "," * 999 + "a@x.org\n"
    page = desk.client.get(bring(desk, sheet.encode()).headers["Location"]).text
    assert "999 columns that are left out" in page
    assert page.index('name="column-999"') < page.index('name="column-0"')


def test_a_dry_run_says_why_no_consent_is_granted(db, settings, desk):
    page = checked(db, settings, desk, b"Email,Consent date\ngrace@example.org,2024-03-01\n")
    assert "the file tells no wording, and no source, and a consent needs all three" in page.first("main").words


def test_hostile_cells_are_inert_and_made_visible(db, settings, desk):
    hostile = "<script>alert(1)</script>\u202e{{7*7}}"
    page = brought(desk, f"Name,Email,{hostile}\n{hostile},{hostile},{hostile}\n".encode(), "<b>.csv")
    assert not page.first("main").all("script")
    assert not page.first("main").all("b")
    assert "⟨U+202E⟩" in page.text
    page = checked(db, settings, desk, f"Name,Email\n{hostile},{hostile}\n,a@x.org\n".encode())
    assert not page.first("main").all("script")
    assert "⟨U+202E⟩" in page.text


# --- files that aren't ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The file is empty."),
        (b"PK\x03\x04xlsx", "save it as “CSV UTF-8”"),
        (b"Email\n", "no row but its heading"),
    ],
)
def test_a_file_that_can_not_be_read_is_refused_on_the_page(settings, desk, content, says):
    answer = bring(desk, content)
    assert answer.status_code == 422
    assert says in answer.text
    assert list((settings.data_dir / "imports").iterdir()) == []


def test_a_form_without_a_file_asks_for_one(desk):
    answer = desk.client.post(HOME, data={"csrf_token": desk.token}, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "Choose a file first." in answer.text


def test_a_file_that_is_too_large_is_told_what_to_do(db, settings, desk, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST_FILE", 1_000)
    answer = bring(desk, b"Email\n" + b"a@x.org\n" * 20_000)
    assert answer.status_code == 413
    assert "Split it into several files, or ask the operator to bring it in a shell" in answer.text
    assert states(db) == []


def test_a_file_beyond_the_usual_limit_of_a_form_is_taken(app, desk):
    lines = b"a" * 1000 + b"@x.org\n"
    content = b"Email\n" + lines * (app.config["MAX_CONTENT_LENGTH"] // len(lines) + 1000)
    assert bring(desk, content).status_code == 303


def test_a_full_disk_is_told(desk, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    answer = bring(desk)
    assert answer.status_code == 409
    assert "Ask the operator to make room" in answer.text


def test_a_file_is_received_before_the_database_is_held(db, desk, monkeypatch):
    """Else a slow upload would keep every visitor's letter waiting on SQLite."""
    wrote = []
    looked = imports.look_at

    def look(file):
        with db.write() as session:
            wrote.append(session.scalar(select(Import.id)))
        return looked(file)

    monkeypatch.setattr(uploads, "look_at", look)
    bring(desk)
    assert wrote == [None]


# --- who may, and stale pages ------------------------------------------------------------------------------


def test_a_reader_looks_and_changes_nothing(db, settings, desk, desk_of):
    page = checked(db, settings, desk)
    reader = desk_of("Charlie", Role.READER)
    assert "Look at the file" not in labels(reader.page(HOME))
    seen = reader.page(page.attrs["address"])
    assert not [label for label in labels(seen) if label.startswith(("Import", "Discard", "Change"))]
    assert bring(reader).status_code == 403
    assert reader.client.post(f"{page.attrs['address']}/run", data={"csrf_token": reader.token}).status_code == 403
    assert states(db) == [ImportState.CHECKED]


def test_a_stranger_can_not_bring_a_file(client, settings):
    answer = client.post(HOME, data={"file": (io.BytesIO(SHEET), "x.csv")}, content_type="multipart/form-data")
    assert answer.status_code == 302
    assert not (settings.data_dir / "imports").exists()


def test_a_stale_page_changes_nothing_and_says_so(db, settings, desk):
    page = checked(db, settings, desk)
    desk.press("Import 1 row", page)
    answer = desk.press("Import 1 row", page)
    assert answer.status_code == 409
    assert "has gone on since the page was opened" in answer.text
    assert read(answer.text).first("h1").words == "This was not done"
    answer = desk.press("Discard", page)
    assert answer.status_code == 409
    assert states(db) == [ImportState.RUNNING]


def test_what_was_not_run_is_discarded_with_its_file(db, settings, desk):
    page = checked(db, settings, desk)
    assert desk.press("Discard", page).status_code == 303
    assert states(db) == []
    assert list((settings.data_dir / "imports").iterdir()) == []
    assert "Nothing of it was imported." in desk.page(HOME).text
    assert desk.client.get(page.attrs["address"]).status_code == 404


def test_a_dry_run_that_goes_on_for_ever_is_discarded_while_it_goes_on(db, settings, desk, desk_of):
    page = after(desk, desk.press("Begin the dry run", brought(desk), existing="fill"))
    assert "Discard" not in labels(desk_of("Charlie", Role.READER).page(page.attrs["address"]))
    assert desk.press("Discard", page).status_code == 303
    let_work(db, settings)
    assert states(db) == []


@pytest.mark.parametrize("query", ["after=9-9", "after=x", "after=99999999999-1", "encoding=utf-7", "delimiter=%00"])
def test_a_meddled_address_is_harmless(db, settings, desk, query):
    page = brought(desk)
    assert desk.client.get(f"{page.attrs['address']}?{query}").status_code in (200, 409)
    page = checked(db, settings, desk)
    assert desk.client.get(f"{page.attrs['address']}?{query}").status_code == 200
