"""The list of closed addresses at the desk: searching, closing, opening, exporting."""

import csv
import io

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.doors.people import labels
from tests.factories import ADA, submitted
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.core import clock
from tpminstitute.mail.closed_addresses import PAGE
from tpminstitute.mail.models import Suppression, SuppressionReason
from tpminstitute.mail.suppression import SENTENCES, suppress, suppression_of

HOME = "/staff/suppressions"


def on_list(db, reason=SuppressionReason.HARD_BOUNCE, address=ADA, note=""):
    with db.write() as session:
        suppress(session, address, reason, note)


def entry(db, address=ADA):
    with db.read() as session:
        return suppression_of(session, address)


def rows(page):
    return [row.first("a").words for row in page.all("li", class_="row")]


def audit(db):
    with db.read() as session:
        return session.execute(select(AuditEntry.action, AuditEntry.subject).order_by(AuditEntry.id)).all()


def way_off(desk):
    page = desk.page(HOME)
    return desk.page(page.first("li", class_="row").first("a")["href"])


def exported(desk, page=None):
    answer = desk.press("Export", page or desk.page(HOME))
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))


# --- the list ----------------------------------------------------------------------------------------------


def test_an_empty_list_says_how_an_address_gets_on_it(desk):
    assert "No address is closed." in desk.page(HOME).text


def test_the_list_is_reached_from_the_rail(desk):
    assert HOME in [a["href"] for a in desk.page("/staff/inbox").first("header", class_="rail").all("a")]


@on_sqlite
@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_a_row_leads_to_why_when_and_what_it_means(db, desk, reason):
    on_list(db, reason, note="A note <b>in bold</b>.")
    page = way_off(desk)
    words = page.first("main").words
    assert page.first("h1").words == ADA
    assert SENTENCES[reason] in words
    assert "A note <b>in bold</b>." in words
    assert "just now" in words


def test_the_list_is_searched_and_keeps_the_search_while_it_is_turned(db, desk):
    with db.write() as session:
        session.add_all(
            Suppression(email_key=f"p{n}@{d}", reason=SuppressionReason.HARD_BOUNCE, note="", at=clock.now())
            for d in ("a.example", "b.example")
            for n in range(PAGE + 2)
        )
    page = desk.page(f"{HOME}?q=@a.example")
    assert len(rows(page)) == PAGE
    page = desk.page(page.first("a", rel="next")["href"])
    assert rows(page) == ["p1@a.example", "p0@a.example"]
    assert page.first("main").first("input", type="search")["value"] == "@a.example"


def test_a_search_that_finds_nothing_says_so(db, desk):
    on_list(db)
    page = desk.page(f"{HOME}?q=<b>nobody")
    assert "No closed address begins so" in page.text
    assert not page.first("main").all("b")


def test_a_search_for_anything_is_harmless(db, desk):
    on_list(db)
    for text in ("%00", "%FF", "%27", "a" * 3000, "@" * 50, "%C3%BC@%C3%BC", "%5C", "%25"):
        assert desk.client.get(f"{HOME}?q={text}").status_code == 200, text


def test_a_row_that_is_not_there_is_not_found(desk):
    assert desk.client.get(f"{HOME}/4711").status_code == 404
    assert desk.client.get(f"{HOME}/{2**31}").status_code == 404


# --- closing and opening -----------------------------------------------------------------------------------


def test_an_address_is_closed_by_hand(db, settings, desk):
    submitted(db, settings, consents=True)
    answer = desk.press("Close address", desk.page(HOME), email="Ada@Example.ORG", note="Asked us on the phone.")
    assert answer.status_code == 303
    page = way_off(desk)
    assert "A staff member closed this address." in page.first("main").words
    assert "Alice" in page.first("main").words
    assert "Asked us on the phone." in page.first("main").words


@on_sqlite
@pytest.mark.parametrize(
    ("email", "note", "words"),
    [
        ("", "A note.", "Write the address"),
        ("ada@", "A note.", "Check the e-mail address"),
        (ADA, "", "Write why"),
        (ADA, "   ", "Write why"),
        (ADA, "x" * 501, "500"),
    ],
)
def test_a_closing_that_lacks_something_says_what_and_keeps_the_rest(db, desk, email, note, words):
    answer = desk.press("Close address", desk.page(HOME), email=email, note=note)
    assert answer.status_code == 422
    assert words in answer.text
    assert entry(db) is None


def test_closing_what_is_closed_says_why_it_is(db, desk):
    on_list(db, SuppressionReason.COMPLAINT)
    answer = desk.press("Close address", desk.page(HOME), email=ADA, note="Once more.")
    assert answer.status_code == 422
    assert "reported a mail as spam" in answer.text


def test_an_address_is_opened_with_a_reason(db, desk):
    on_list(db)
    answer = desk.press("Open address", way_off(desk), reason="Wrote from it on Monday.")
    assert answer.status_code == 303
    assert entry(db) is None
    assert audit(db) == [("address_reopened", "a…@example.org (hard bounce)")]


@on_sqlite
@pytest.mark.parametrize(
    ("reason", "fields", "words"),
    [
        (SuppressionReason.HARD_BOUNCE, {"reason": " "}, "Write why"),
        (SuppressionReason.COMPLAINT, {"reason": "They wrote."}, "Type the address once more"),
        (SuppressionReason.COMPLAINT, {"reason": "They wrote.", "typed": "eve@example.org"}, "Type the address"),
        (SuppressionReason.OPT_OUT, {"reason": "They wrote."}, "Tick the box"),
    ],
)
def test_a_way_off_that_is_not_considered_leads_nowhere(db, desk, reason, fields, words):
    on_list(db, reason)
    answer = desk.press("Open address", way_off(desk), **fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert entry(db) is not None


@pytest.mark.parametrize(
    ("reason", "fields"),
    [(SuppressionReason.COMPLAINT, {"typed": ADA}), (SuppressionReason.OPT_OUT, {"asked": "y"})],
)
def test_a_way_off_that_is_considered_leads_off(db, desk, reason, fields):
    on_list(db, reason)
    assert desk.press("Open address", way_off(desk), reason="They wrote.", **fields).status_code == 303
    assert entry(db) is None


def test_opening_twice_is_not_found_the_second_time(db, desk):
    on_list(db)
    page = way_off(desk)
    desk.press("Open address", page, reason="Once.")
    assert desk.press("Open address", page, reason="Twice.").status_code == 404


def test_a_reader_looks_and_can_not_act(app, db, desk, desk_of):
    app.config["WTF_CSRF_METHODS"] = set()  # as if the form's token were right, so that only the role counts
    on_list(db)
    reader = desk_of("Rita", Role.READER)
    assert rows(reader.page(HOME)) == [ADA]
    for page in (reader.page(HOME), way_off(reader)):
        assert not {"Close address", "Open address", "Export as CSV"} & set(labels(page))
    for page, label in ((desk.page(HOME), "Close"), (desk.page(HOME), "Export"), (way_off(desk), "Open")):
        assert reader.press(label, page, email="eve@example.org", note="x", reason="x").status_code == 403
    assert entry(db) is not None
    assert entry(db, "eve@example.org") is None
    assert audit(db) == []


# --- export ------------------------------------------------------------------------------------------------


def test_an_export_holds_what_the_list_shows(db, desk):
    on_list(db, SuppressionReason.COMPLAINT, note='Said "no", in writing.\nTwice.')
    heading, row = exported(desk)
    assert heading == ["address", "kind", "reason", "note", "closed at (UTC)", "closed by"]
    assert row[:4] == [ADA, "Complaint", "The person reported a mail as spam.", 'Said "no", in writing.\nTwice.']


def test_an_export_of_a_search_holds_what_was_found(db, desk):
    on_list(db)
    on_list(db, address="bob@other.test")
    assert [row[0] for row in exported(desk, desk.page(f"{HOME}?q=bob"))[1:]] == ["bob@other.test"]


@on_sqlite
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_an_export_is_a_formula(db, desk, start):
    on_list(db, note=f"{start}HYPERLINK(1)")
    on_list(db, address="+eve@example.org")
    cells = [cell for row in exported(desk) for cell in row]
    assert f"'{start}HYPERLINK(1)" in cells
    assert "'+eve@example.org" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_an_export_is_written_into_the_log(db, desk):
    on_list(db)
    exported(desk)
    exported(desk, desk.page(f"{HOME}?q=ada"))
    assert audit(db) == [("suppressions_exported", "all"), ("suppressions_exported", "what a search found")]


def test_an_export_is_streamed_and_never_cached(db, desk):
    on_list(db)
    page = desk.page(HOME)
    answer = desk.press("Export", page)
    assert answer.is_streamed
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=closed-addresses-")
