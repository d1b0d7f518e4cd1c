"""An import by keyboard at the desk: bring a file, see what would happen, let it run, read the report, take it back."""

from playwright.sync_api import expect
from sqlalchemy import func, select

from tests.journeys.steps import PHONE, come_to_the_desk, press
from tpminstitute.contacts.models import Contact

SHEET = "Vorname;Nachname;E-Mail\n" + "".join(f"Jörg{n};Groß;j{n}@example.org\n" for n in range(1500)) + "Ada;;ada@\n"


def contacts(service):
    with service.database() as db, db.read() as session:
        return session.scalar(select(func.count()).select_from(Contact))


def test_an_import_goes_its_whole_way_by_keyboard(started, new_page, tmp_path):
    service = started()
    page = new_page()
    come_to_the_desk(page, service.service.setup_link)
    page.get_by_role("link", name="Contacts").click()
    page.get_by_role("link", name="import").first.click()
    the_file_is_brought(page, tmp_path)
    the_dry_run_shows_what_would_happen(service, page)
    it_runs_and_is_reported(service, page)
    it_is_exported(page)
    it_is_taken_back(service, page)


def the_file_is_brought(page, tmp_path):
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04 a workbook")
    page.get_by_label("File").set_input_files(tmp_path / "book.xlsx")
    press(page, "l")
    expect(page.get_by_role("alert")).to_contain_text("save it as “CSV UTF-8”")
    (tmp_path / "leads.csv").write_bytes(SHEET.encode("latin-1"))
    page.get_by_label("File").set_input_files(tmp_path / "leads.csv")
    page.get_by_label("File").focus()  # as after choosing it: nothing is typed into it, so keys are keys
    press(page, "l")
    expect(page.get_by_role("heading", level=1)).to_have_text("leads.csv")
    expect(page.get_by_role("region", name="The first rows")).to_contain_text("Jörg0")
    expect(page.get_by_label("Vorname")).to_have_value("first_name")


def the_dry_run_shows_what_would_happen(service, page):
    page.get_by_label("A tag for all of them").fill("fair")
    page.locator("h1").click()
    press(page, "d")
    expect(page.get_by_role("heading", name="What it would do")).to_be_visible(timeout=30_000)
    expect(page.locator(".report")).to_contain_text("new contacts 1,500")
    expect(page.locator(".problems")).to_contain_text("“ada@” is no e-mail address")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert contacts(service) == 0


def it_runs_and_is_reported(service, page):
    press(page, "i")
    expect(page.get_by_role("heading", name="What it did")).to_be_visible(timeout=30_000)
    expect(page.locator(".report")).to_contain_text("contacts added 1,500")
    assert contacts(service) == 1500
    page.get_by_role("link", name="fair").click()
    expect(page.get_by_role("link", name="Export them")).to_be_visible()


def it_is_exported(page):
    page.get_by_role("link", name="Export them").click()
    page.wait_for_url("**/contacts/export?*")
    with page.expect_download() as download:
        press(page, "e")
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == 1501
    assert lines[1].startswith("Jörg0 Groß,j0@example.org,")
    page.go_back()
    page.go_back()


def it_is_taken_back(service, page):
    page.locator("summary", has_text="Revert the whole import").click()
    page.get_by_role("button", name="Revert the import").click()
    expect(page.get_by_role("heading", name="What was taken back")).to_be_visible(timeout=30_000)
    assert contacts(service) == 0
