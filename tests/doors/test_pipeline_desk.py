"""The board at the desk: what it shows, moving a lead, saying how it ended, taking a move back."""

import pytest
from sqlalchemy import select, update

from tests.conftest import on_sqlite
from tests.factories import ADA, an_account, contact_of, submitted
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.topics import Topic
from tpminstitute.core.tokens import Signer
from tpminstitute.pipeline.endings import ending_in_words, ending_of
from tpminstitute.pipeline.models import Lead

pytestmark = on_sqlite
HOME = "/staff/pipeline"
NEW, TALKING, WON, LOST = "1", "2", "3", "4"


@pytest.fixture
def lead(db, settings):
    """The id of Ada's lead, which is new."""
    submitted(db, settings, topic=Topic.CSM)
    return standing(db).id


def standing(db):
    with db.read() as session:
        return session.scalars(select(Lead).order_by(Lead.id)).one()


def ended(db, lead_id):
    with db.read() as session:
        row = ending_of(session, lead_id)
        return ending_in_words(session, row) if row else None


def post(desk, path, **fields):
    return desk.client.post(f"{HOME}/{path}", data={"csrf_token": desk.token, **fields})


def column(page, stage):
    return next(section for section in page.all("section", class_="column") if section["data-stage"] == stage)


def undo_url(page):
    return page.first("div", class_="undo").first("form")["action"]


def test_a_card_says_who_about_what_since_when_and_whose_turn_it_is(db, desk, lead):
    card = column(desk.page(HOME), NEW).first("li", class_="card")
    for part in ("Ada Lovelace", "Certified Scrum Master (CSM)", "1 min", "Waits for us"):
        assert part in card.words
    assert column(desk.page(HOME), TALKING).all("li", class_="card") == []


@pytest.mark.parametrize(
    ("stage", "said", "shown"),
    [(WON, {"course": "Leading programs"}, "Leading programs"), (LOST, {"reason": "2"}, "Too expensive")],
)
def test_a_card_names_the_course_that_was_won_or_why_it_was_lost(db, desk, lead, stage, said, shown):
    post(desk, f"leads/{lead}/move", to=stage, **{"from": NEW}, **said)
    card = column(desk.page(HOME), stage).first("li", class_="card")
    assert card.first("p", class_="card-ended").words == shown
    post(desk, f"leads/{lead}/move", to=TALKING, **{"from": stage})
    assert column(desk.page(HOME), TALKING).first("li", class_="card").all("p", class_="card-ended") == []


def test_the_board_narrows_by_who_looks_after_them_and_by_topic(db, desk, lead):
    with db.write() as session:
        bob = an_account(session, "Bob").id
        session.execute(update(Contact).values(owner_id=bob))
    for query, seen in (("owner=nobody", 0), (f"owner={bob}", 1), ("topic=pmp", 0), ("topic=csm", 1), ("topic=", 1)):
        assert len(desk.page(f"{HOME}?{query}").all("li", class_="card")) == seen, query


@pytest.mark.parametrize("asked", [f"owner={'9' * 40}", "owner=0", "owner=x", "owner=%3Cimg%20src=x%3E", "topic=x"])
def test_a_filter_that_cannot_be_read_shows_no_lead_and_says_so(desk, lead, asked):
    for one_stage in ("", f"&stage={NEW}"):
        page = desk.page(f"{HOME}?{asked}{one_stage}")
        assert page.all("li", class_="card") == []
        assert "No lead is shown, since a filter can’t be read" in page.first("div", class_="notice").words
        assert page.all("img") == []
    assert len(desk.page(HOME).all("li", class_="card")) == 1


def test_a_move_is_offered_to_be_taken_back(db, desk, lead):
    answer = post(desk, f"leads/{lead}/move", to=TALKING, **{"from": NEW})
    assert answer.headers["Location"] == f"{HOME}#lead-{lead}"
    page = desk.page(HOME)
    assert "Ada Lovelace was moved to “In conversation”." in page.words
    assert len(column(page, TALKING).all("li", class_="card")) == 1
    desk.client.post(undo_url(page), data={"csrf_token": desk.token})
    assert "It was moved back." in desk.page(HOME).words
    assert str(standing(db).stage_id) == NEW


def test_a_lead_that_is_lost_asks_why_first(db, desk, lead):
    answer = post(desk, f"leads/{lead}/move?owner=nobody", to=LOST, **{"from": NEW})
    asked = desk.page(answer.headers["Location"])
    assert str(standing(db).stage_id) == NEW
    again = desk.press("Move", asked, reason="")
    assert again.status_code == 422
    assert "Choose why it was lost" in again.text
    moved = desk.press("Move", asked, reason="2", note="They ask again in May.")
    assert moved.headers["Location"] == f"{HOME}?owner=nobody#lead-{lead}"
    assert ended(db, lead) == "Too expensive. They ask again in May."
    with db.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "move")).one()
    assert (entry.kind, entry.contact_id) == ("contact", standing(db).contact_id)


def test_undoing_a_move_out_of_a_lost_stage_restores_the_reason(db, desk, lead):
    post(desk, f"leads/{lead}/move", to=LOST, reason="2", note="Later", **{"from": NEW})
    post(desk, f"leads/{lead}/move", to=TALKING, **{"from": LOST})
    assert ended(db, lead) is None
    desk.client.post(undo_url(desk.page(HOME)), data={"csrf_token": desk.token})
    assert ended(db, lead) == "Too expensive. Later"


def test_undoing_a_move_restores_since_when_the_lead_stood_there_and_was_closed(db, desk, lead):
    def undone():
        desk.client.post(undo_url(desk.page(HOME)), data={"csrf_token": desk.token})
        return standing(db).moved_at, standing(db).closed_at

    post(desk, f"leads/{lead}/move", to=TALKING, **{"from": NEW})
    assert undone() == (None, None)
    post(desk, f"leads/{lead}/move", to=LOST, reason="2", **{"from": NEW})
    was = standing(db).moved_at, standing(db).closed_at
    post(desk, f"leads/{lead}/move", to=TALKING, **{"from": LOST})
    assert undone() == was
    assert all(was)


@pytest.mark.parametrize("since", ["", "x", Signer("other", "lead-undo").sign([1, None, None])])
def test_an_undo_that_no_page_of_ours_offered_moves_nothing(db, desk, lead, since):
    post(desk, f"leads/{lead}/move", to=TALKING, **{"from": NEW})
    assert post(desk, f"leads/{lead}/back?to={NEW}&from={TALKING}&since={since}").status_code == 404
    assert str(standing(db).stage_id) == TALKING


def test_a_won_lead_names_its_course_and_the_contacts_page_shows_it(db, desk, lead):
    home = f"/staff/contacts/{contact_of(db, ADA).public_id}"
    answer = desk.client.post(f"{home}/stage", data={"csrf_token": desk.token, "stage": WON})
    moved = desk.press("Move", desk.page(answer.headers["Location"]), course="Leading programs")
    assert moved.headers["Location"] == home
    assert "Leading programs" in desk.page(home).first("section", class_="who").words


def test_who_moves_a_lead_from_a_stale_board_is_told_and_moves_nothing(db, desk, lead):
    post(desk, f"leads/{lead}/move", to=TALKING, **{"from": NEW})
    post(desk, f"leads/{lead}/move", to=LOST, reason="1", **{"from": NEW})
    assert "Somebody moved it to “In conversation” meanwhile." in desk.page(HOME).words
    assert str(standing(db).stage_id) == TALKING


def test_a_column_has_pages(db, settings, desk):
    for number in range(21):
        submitted(db, settings, email=f"reader{number}@example.org", name=f"Reader {number}")
    page = desk.page(HOME)
    assert len(column(page, NEW).all("li", class_="card")) == 20
    more = column(page, NEW).first("p", class_="column-more").first("a")["href"]
    rest = desk.page(more)
    assert [card.first("a").words for card in rest.all("li", class_="card")] == ["Reader 0"]


@pytest.mark.parametrize("path", ["?stage=99", "?stage=x", "/leads/99/move"])
def test_what_is_not_there_is_not_found(desk, lead, path):
    assert desk.client.get(f"{HOME}{path}").status_code == 404


@pytest.mark.parametrize("after", ["x", "9999999999999_1", "2026-01-01_x", "0001-01-01T00:00:00+23:59_1"])
def test_a_place_that_is_none_shows_the_first_page(desk, lead, after):
    assert len(desk.page(f"{HOME}?stage=1&after={after}").all("li", class_="card")) <= 1


def test_a_reader_looks_and_moves_nothing(db, desk_of, lead):
    reader = desk_of("Charlie", Role.READER)
    page = reader.page(HOME)
    assert page.all("a", class_="card-move") == []
    assert post(reader, f"leads/{lead}/move", to=TALKING, **{"from": NEW}).status_code == 403
    assert reader.client.get(f"{HOME}/leads/{lead}/move").status_code == 403


def test_a_hostile_name_is_inert_on_the_board(db, settings, desk):
    submitted(db, settings, name='<img src=x onerror=alert(1)> \u202egnp.exe "Ada"')
    page = desk.page(HOME)
    assert page.all("img") == []
    assert "⟨U+202E⟩" in page.first("a", class_="card-name").text
