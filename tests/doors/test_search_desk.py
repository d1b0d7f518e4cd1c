"""The search of the desk: one field on every page, marked passages, nothing typed or stored that does anything."""

from types import SimpleNamespace

import pytest
from sqlalchemy import update

from tests.conftest import on_sqlite
from tests.factories import contact_of, count, submitted
from tests.rooms.post import Post
from tpminstitute.accounts.models import Role
from tpminstitute.cli import main
from tpminstitute.core.jobs import Job
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.lists.search_models import SearchChange, SearchPerson, SearchText
from tpminstitute.lists.search_upkeep import settle
from workers.tasks import register

SEARCH = "/staff/search?q="
HOSTILE = '<b>bold</b> "quoted" <script>alert(1)</script> \u202e program'


def people(page):
    return [item.words for item in page.all("li", class_="found-person")]


def marks(page):
    return [mark.text for mark in page.all("mark")]


def test_a_person_is_found_and_the_words_are_marked(desk, db, settings):
    submitted(db, settings, message="How do I begin the program?")
    for _ in ("before the index has read it", "and after"):
        page = desk.page(f"{SEARCH}PROGRAM")
        (found,) = page.all("li", class_="found-person")
        assert found.first("a")["href"].endswith(contact_of(db).public_id)
        assert "Inquiry" in found.words
        assert marks(page) == ["program"]
        settle(db)


def test_what_is_typed_and_what_is_stored_stays_text(desk, db, settings):
    submitted(db, settings, name="Ada <i>Lovelace</i>", message=HOSTILE)
    answer = desk.client.get("/staff/search", query_string={"q": '"><script>alert(2)</script> program'})
    assert "<script>alert" not in answer.text
    page = desk.page(f"{SEARCH}ada program")
    (found,) = page.all("li", class_="found-person")
    assert "Ada <i>Lovelace</i>" in found.text
    assert "<script>alert(1)</script> ⟨U+202E⟩ program" in found.text
    assert marks(page) == ["Ada", "program"]


@on_sqlite
def test_a_phrase_is_marked_across_what_was_escaped(desk, db, settings):
    submitted(db, settings, message=HOSTILE)
    assert marks(desk.page(f'{SEARCH}"bold b quoted script"')) == ['bold</b> "quoted" <script']


@pytest.mark.parametrize("part", ["script", "b", "lt", "amp", "alert 1"])
@on_sqlite
def test_a_mark_never_breaks_what_was_escaped(desk, db, settings, part):
    submitted(db, settings, message=f"{HOSTILE} &lt;b&gt; &amp;")
    page = desk.page(f"{SEARCH}{part}")
    (found,) = page.all("li", class_="found-person")
    assert not found.all("script")
    assert not found.all("b")
    assert marks(page)


@on_sqlite
def test_a_typing_error_says_what_was_found_instead(desk, db, settings):
    submitted(db, settings, message="A scholarship, please")
    settle(db)
    page = desk.page(f"{SEARCH}scholarhsip")
    assert "Hardly anything has “scholarhsip”. Also found for “scholarship”." in page.words
    assert len(people(page)) == 1


@on_sqlite
def test_what_was_set_apart_says_so(desk, db, settings):
    submitted(db, settings)
    with db.write() as session:
        session.execute(update(Inquiry).values(state=InquiryState.SUSPECTED))
    assert "Suspected" in people(desk.page(f"{SEARCH}begin"))[0]


@on_sqlite
def test_an_empty_search_teaches_what_can_be_found(desk):
    page = desk.page("/staff/search")
    assert "What can be found" in page.words
    assert "learn by doing" in page.words


@on_sqlite
@pytest.mark.parametrize("typed", ["zeppelin", "%", "'", '"', "%00", "%FF%FE", "a" * 5_000, "* OR 1=1", "%E2%80%AE"])
def test_nobody_found_is_a_sentence_and_keeps_what_was_typed(desk, typed):
    page = desk.page(f"{SEARCH}{typed}")
    assert "Nobody is found" in page.words or "nothing to look for" in page.words


@on_sqlite
def test_pages_lead_on_and_back(desk, db, settings):
    for number in range(27):
        submitted(db, settings, email=f"r{number}@example.org", name=f"Reader {number}", message="The path")
    settle(db)
    first = desk.page(f"{SEARCH}path")
    assert "27 people, 1 to 25 shown" in first.words
    second = desk.page(first.first("a", rel="next")["href"])
    assert "27 people, 26 to 27 shown" in second.words
    assert not {*people(first)} & {*people(second)}
    assert [link["href"] for link in second.all("a") if link.words == "First page"] == [f"{SEARCH}path"]


@on_sqlite
@pytest.mark.parametrize("after", ["9999-1", "99999999999-1", "x", "1-", "0-999999999", "-1-1"])
def test_a_stale_or_made_up_place_is_no_error(desk, db, settings, after):
    submitted(db, settings)
    page = desk.page(f"{SEARCH}ada&after={after}")
    assert people(page) or "There is nobody further down." in page.words


@on_sqlite
def test_a_long_question_is_cut_and_says_so(desk):
    assert "only the first" in desk.page(f"{SEARCH}{'word%20' * 30}").words


@on_sqlite
def test_every_page_of_the_desk_has_the_field(desk, db, settings):
    submitted(db, settings)
    for address in ("/staff/inbox", "/staff/mail", f"/staff/contacts/{contact_of(db).public_id}"):
        form = desk.page(address).first("form", class_="rail-search")
        assert (form["action"], form["method"]) == ("/staff/search", "get")
        assert form.first("input")["data-key"] == "/"


@on_sqlite
def test_a_reader_may_search_and_a_stranger_may_not(desk_of, client):
    assert desk_of("Bob", Role.READER).page(f"{SEARCH}ada")
    assert "/staff/sign-in" in client.get(f"{SEARCH}ada").location


@on_sqlite
def test_a_search_writes_nothing(desk, db, settings):
    submitted(db, settings)
    with db.read() as session:
        before = session.connection().exec_driver_sql("SELECT count(*) FROM search_changes").scalar()
    desk.page(f"{SEARCH}ada")
    with db.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM search_changes").scalar() == before


@on_sqlite
def test_the_worker_reads_what_changed(db, settings):
    submitted(db, settings)
    tasks: dict = {}
    celery = SimpleNamespace(task=lambda name: lambda task: tasks.setdefault(name, task))  # Celery's own are global
    register(celery, settings, db, Post())
    tasks[Job.INDEX]()
    assert (count(db, SearchPerson), count(db, SearchText), count(db, SearchChange)) == (1, 1, 0)


@on_sqlite
def test_the_index_is_made_anew_by_a_command(db, settings, monkeypatch, capsys):
    submitted(db, settings)
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    assert main(["reindex"]) == 0
    assert "2 people and texts are in the search index." in capsys.readouterr().out
    assert (count(db, SearchPerson), count(db, SearchText), count(db, SearchChange)) == (1, 1, 0)
