"""Reports at the desk: plots with their tables, a time of one's own choice, and CSV."""

import csv
import io

import pytest

from tests.factories import contact_of, submitted
from tpminstitute.accounts.models import Role

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

REPORTS = ("inquiries", "answers", "leads", "follow-ups", "people")


@pytest.fixture
def wrote(db, settings):
    """Ada wrote, and agreed to follow-ups."""
    submitted(db, settings, consents=True)


def table(page, title):
    """The rows of the table below that heading."""
    section = next(s for s in page.all("section") if s.first("h2").words == title)
    return [[cell.words for cell in row.all("th") + row.all("td")] for row in section.first("tbody").all("tr")]


def test_the_reports_lead_to_one_another(desk):
    assert desk.client.get("/staff/reports").location == "/staff/reports/inquiries"
    links = desk.page("/staff/reports/inquiries").first("nav", class_="filters").all("a")
    assert [link["href"].rpartition("/")[2] for link in links] == list(REPORTS)


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_tells_something_of_what_happened(desk, wrote, name):
    page = desk.page(f"/staff/reports/{name}")
    assert page.first("main").all("tbody")


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_of_a_time_in_which_nothing_happened_is_no_error(desk, name):
    assert desk.client.get(f"/staff/reports/{name}?from=2020-01-01&until=2020-02-01").status_code == 200


def test_inquiries_are_drawn_with_their_table_under_them(desk, wrote):
    page = desk.page("/staff/reports/inquiries")
    assert page.first("svg").attrs["role"] == "img"
    assert ["Becoming a technical program manager", "1", "100%"] in table(page, "By topic")


@pytest.mark.parametrize("name", REPORTS)
def test_every_table_of_a_report_is_drawn_above_it(db, desk, wrote, name):
    call = desk.client.post(
        f"/staff/contacts/{contact_of(db).public_id}/calls",
        data={"csrf_token": desk.token, "said": "She starts in May."},
    )
    assert call.status_code == 303
    sections = [section for section in desk.page(f"/staff/reports/{name}").all("section") if section.all("tbody")]
    assert sections
    for section in sections:
        (drawing,) = section.all("svg", role="img")
        assert section.inner.index(drawing) < section.inner.index(section.first("table"))
        assert [e for e in drawing.inner if e.tag in ("polyline", "rect")], section.first("h2").words


@pytest.mark.parametrize("name", REPORTS)
def test_a_time_without_anything_draws_no_picture_of_nothing(desk, name):
    page = desk.page(f"/staff/reports/{name}?from=2020-01-01&until=2020-01-01&by=day")
    assert not page.first("main").all("rect")
    assert "Inquiries over time Nothing in this time" in page.first("main").words or name != "inquiries"


def test_the_answers_tell_the_promise(desk, wrote):
    assert "The promise is an answer within 8 working hours." in desk.page("/staff/reports/answers").text


def test_the_time_is_kept_from_one_report_to_the_next(desk):
    page = desk.page("/staff/reports/inquiries?from=2026-01-05&until=2026-03-01&by=month")
    assert page.first("input", name="from")["value"] == "2026-01-05"
    (leads,) = [a["href"] for a in page.first("nav", class_="filters").all("a") if "/leads" in a["href"]]
    assert "from=2026-01-05" in leads


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("from=yesterday", "This time can’t be read."),
        ("by=moon", "This time can’t be read."),
        ("from=2026-03-01&until=2026-02-01", "The last day lies before the first."),
        ("from=2026-01-01&until=2026-12-31&by=day", "more than 120 days"),
        ("from=2001-01-01&until=2026-12-31&by=month", "more than five years"),
        ("from=1000-01-01", "between 2000 and 2100"),
    ],
)
def test_a_time_that_can_not_be_is_answered_with_a_sentence(desk, query, sentence):
    answer = desk.client.get(f"/staff/reports/inquiries?{query}")
    assert answer.status_code == 422
    assert sentence in answer.text.replace("&#39;", "’").replace("'", "’")


def test_each_table_can_be_saved_as_csv(desk, wrote):
    answer = desk.client.get("/staff/reports/inquiries/topics.csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows == [["Topic", "Inquiries", "Share"], ["Becoming a technical program manager", "1", "100%"]]


def test_a_site_that_would_be_a_formula_is_text_in_the_csv(db, settings, desk):
    submitted(db, settings, source_referrer="https://=cmd.example/")
    assert "\r\n'=cmd.example" in desk.client.get("/staff/reports/inquiries/sources.csv").text


@pytest.mark.parametrize("address", ["nothing", "inquiries/nothing.csv", "nothing/topics.csv", "inquiries/topics"])
def test_what_is_no_report_is_not_there(desk, address):
    assert desk.client.get(f"/staff/reports/{address}").status_code == 404


def test_a_reader_may_read_reports(desk_of):
    assert desk_of("Bob", Role.READER).client.get("/staff/reports/people").status_code == 200
