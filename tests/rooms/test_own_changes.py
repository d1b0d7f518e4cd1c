"""What a person corrects about themselves, and being erased by their own wish."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import ADA, contact_of, messages, submitted
from tpminstitute.contacts.models import Contact, ZoneSource
from tpminstitute.contacts.service import locked
from tpminstitute.contacts.topics import Topic
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.models import MessageKind
from tpminstitute.own_page.changes import Corrected, Stale, correct, postpone
from tpminstitute.own_page.erasing import ask_to_be_erased, carry_out, stay_url, take_back, wish_of_token
from tpminstitute.own_page.times import A_DAY
from tpminstitute.privacy.erasing import erase
from tpminstitute.privacy.models import ErasureWish
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.sequences.wishes import pause_end, wishes_of
from tpminstitute.timeline.models import Activity, ActivityKind, Actor


@pytest.fixture
def ada(db, settings):
    """Ada agreed to follow-ups; the clock stands still but for what a test shifts."""
    with time_machine.travel(clock.now().replace(microsecond=0), tick=False) as clockwork:
        submitted(db, settings, consents=True)
        yield clockwork


def corrected(db, **said):
    contact = contact_of(db)
    values = {"name": contact.name, "phone": None, "topic": "", "time_zone": "", "number": contact.number} | said
    with db.write() as session:
        return correct(session, locked(session, contact.id), Corrected(**values))


def wished(db, settings):
    with db.write() as session:
        return ask_to_be_erased(session, settings, locked(session, contact_of(db).id))


def taken_back(db, settings):
    with db.write() as session:
        return take_back(session, settings, locked(session, contact_of(db).id))


def said(db, kind):
    with db.read() as session:
        return [(row.sentence, row.actor) for row in session.scalars(select(Activity).where(Activity.kind == kind))]


def run(db):
    with db.read() as session:
        return session.scalars(select(Enrollment)).one()


def wishes(db):
    with db.read() as session:
        return session.scalars(select(ErasureWish).order_by(ErasureWish.id)).all()


# --- corrections -------------------------------------------------------------------------------------------


def test_what_a_person_corrects_holds_and_stands_on_the_timeline(db, settings, ada):
    assert corrected(
        db, name="Ada King", phone="+44 20 7946 0958", topic=Topic.COURSES.value, time_zone="Europe/London"
    )
    contact = contact_of(db)
    assert (contact.name, contact.phone_e164, contact.topic) == ("Ada King", "+442079460958", "courses")
    assert (contact.time_zone, contact.time_zone_source) == ("Europe/London", ZoneSource.PERSON)
    ((sentence, actor),) = said(db, ActivityKind.CONTACT_CHANGED)
    assert "the name was “Ada Lovelace”" in sentence
    assert actor is Actor.VISITOR


@on_sqlite
def test_what_is_so_already_changes_nothing(db, settings, ada):
    assert not corrected(db)
    assert not said(db, ActivityKind.CONTACT_CHANGED)


def test_of_two_tabs_the_later_one_is_asked_to_look_again(db, settings, ada):
    seen = contact_of(db).number
    corrected(db, name="Ada King", number=seen)
    with pytest.raises(Stale):
        corrected(db, name="Ada Byron", number=seen)
    assert contact_of(db).name == "Ada King"


@on_sqlite
@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"name": "A" * 201}, {"phone": "call me"}, {"topic": "nonsense"}, {"time_zone": "Mars/Olympus"}],
)
def test_what_cannot_be_taken_is_refused_in_a_sentence(db, settings, ada, wrong):
    with pytest.raises(Refusal):
        corrected(db, **wrong)
    assert contact_of(db).name == "Ada Lovelace"


def test_follow_ups_are_postponed_until_a_day_up_to_a_year_ahead(db, settings, ada):
    day = (clock.now() + timedelta(days=300)).date()
    with db.write() as session:
        postpone(session, settings, locked(session, contact_of(db).id), day.isoformat())
    with db.read() as session:
        until = pause_end(wishes_of(session, contact_of(db).id))
    assert until
    assert until.astimezone(settings.institute_zone).date() == day
    assert run(db).next_due_at >= until


@on_sqlite
@pytest.mark.parametrize("days", [-1, 0, 400])
def test_a_day_that_is_over_or_too_far_is_refused(db, settings, ada, days):
    day = (clock.now() + timedelta(days=days)).date().isoformat()
    with db.write() as session, pytest.raises(Refusal):
        postpone(session, settings, locked(session, contact_of(db).id), day)


@on_sqlite
@pytest.mark.parametrize("day", ["", "tomorrow", "2027-02-30", "9999-12-31"])
def test_what_is_no_day_is_refused(db, settings, ada, day):
    with db.write() as session, pytest.raises(Refusal):
        postpone(session, settings, locked(session, contact_of(db).id), day)


# --- being erased ------------------------------------------------------------------------------------------


def test_who_asks_to_be_erased_has_a_day_and_a_mail_and_no_follow_ups_meanwhile(db, settings, ada):
    wished(db, settings)
    assert run(db).status is EnrollmentStatus.STOPPED
    assert [mail.subject for mail in messages(db, kind=MessageKind.OWN_DATA)] == ["You asked to be erased"]
    ada.shift(A_DAY - timedelta(seconds=1))
    assert carry_out(db, settings) == 0
    assert contact_of(db).email == ADA


def test_after_the_day_everything_is_erased_once(db, settings, ada):
    contact_id = wished(db, settings).contact_id
    ada.shift(A_DAY)
    assert [carry_out(db, settings), carry_out(db, settings)] == [1, 0]
    with db.read() as session:
        assert session.get_one(Contact, contact_id).erased_at == clock.now()
    assert [wish.done_at for wish in wishes(db)] == [clock.now()]


def test_what_is_taken_back_is_never_carried_out_and_follow_ups_go_on(db, settings, ada):
    wished(db, settings)
    assert [taken_back(db, settings), taken_back(db, settings)] == [True, False]
    ada.shift(2 * A_DAY)
    assert carry_out(db, settings) == 0
    assert run(db).status is EnrollmentStatus.ACTIVE
    assert [actor for _, actor in said(db, ActivityKind.ERASURE_TAKEN_BACK)] == [Actor.VISITOR]


def test_asking_twice_is_one_wish_and_one_mail(db, settings, ada):
    assert wished(db, settings).id == wished(db, settings).id
    assert len(messages(db, kind=MessageKind.OWN_DATA)) == 1


@on_sqlite
def test_a_wish_that_was_taken_back_can_be_made_again(db, settings, ada):
    wished(db, settings)
    taken_back(db, settings)
    wished(db, settings)
    assert len(messages(db, kind=MessageKind.OWN_DATA)) == 2


def test_whom_staff_erased_earlier_is_done(db, settings, ada):
    contact_id = wished(db, settings).contact_id
    with db.write() as session:
        erase(session, contact_id, None)
    ada.shift(A_DAY)
    assert carry_out(db, settings) == 0
    assert [wish.done_at for wish in wishes(db)] == [clock.now()]


@on_sqlite
@pytest.mark.parametrize("token", ["", "x", "W10.x"])
def test_a_forged_token_takes_nothing_back(db, settings, ada, token):
    wish = wished(db, settings)
    with db.read() as session:
        assert wish_of_token(session, settings, token) is None
        found = wish_of_token(session, settings, stay_url(settings, wish).rpartition("/")[2])
        assert found
        assert found.id == wish.id
