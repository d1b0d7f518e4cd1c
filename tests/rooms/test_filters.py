"""Filters of a list: each alone and all together mean whom a plain reading of the facts means, page by page."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as effort
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from tests.conftest import on_sqlite
from tpminstitute.contacts.cards import TOUCHES
from tpminstitute.contacts.models import Consent, ConsentStanding, Contact, ContactTag, FollowUps, Origin
from tpminstitute.contacts.name_keys import name_key
from tpminstitute.contacts.topics import Topic
from tpminstitute.core import clock
from tpminstitute.inbox.models import Conversation, Inquiry, InquiryState, Turn
from tpminstitute.lists import paging
from tpminstitute.lists.asking import LABELS, parameters, read_chosen
from tpminstitute.lists.filters import ME, NOBODY, Chosen, Order
from tpminstitute.lists.wording import names, phrases, sentence
from tpminstitute.pipeline.models import Lead, Outcome, Stage
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.simulation.demo import Demo, fill
from tpminstitute.timeline.models import Activity, ActivityKind

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ALICE = 1


@pytest.fixture
def filled(db, settings):
    """A database of invented people of every kind, some of whom are looked after by Alice."""
    with clock.at(NOW):
        fill(db, settings, Demo(160, 3), lambda _: None)
    return db


@dataclass
class Facts:
    """What is known of one contact, read from the tables one by one."""

    id: int
    name: str
    owner: int | None
    seen: datetime
    touched: datetime
    stage: int | None = None
    outcome: Outcome | None = None
    topic: str | None = None
    source: Origin = Origin.BY_HAND
    consent: ConsentStanding = ConsentStanding.NONE
    turn: Turn = Turn.NOBODY
    apart: bool = False
    tags: set[str] = field(default_factory=set)
    running: set[int] = field(default_factory=set)
    began: set[int] = field(default_factory=set)

    @property
    def follow_ups(self) -> FollowUps:
        if self.running:
            return FollowUps.RUNNING
        return FollowUps.ENDED if self.began else FollowUps.NEVER


def everybody(session):
    """Return what is known of everybody, without a look at any card."""
    outcomes = {stage.id: stage.outcome for stage in session.scalars(select(Stage))}
    facts = {
        each.id: Facts(each.id, each.name, each.owner_id, each.first_seen_at, each.first_seen_at)
        for each in session.scalars(select(Contact))
    }
    inquiries = defaultdict(list)
    for inquiry in session.scalars(select(Inquiry).order_by(Inquiry.id)):
        inquiries[inquiry.contact_id].append(inquiry)
    for contact_id, theirs in inquiries.items():
        one = facts[contact_id]
        real = [each for each in theirs if each.state not in (InquiryState.SUSPECTED, InquiryState.SPAM)]
        one.topic = (real or theirs)[-1].topic
        one.source = Origin.MAIL if theirs[0].source_page == "mail" else Origin.FORM
        one.touched = max([one.touched, *(each.received_at for each in real)])
        one.apart = not real
    for lead in session.scalars(select(Lead).order_by(Lead.id)):
        facts[lead.contact_id].stage, facts[lead.contact_id].outcome = lead.stage_id, outcomes[lead.stage_id]
    for consent in session.scalars(select(Consent).order_by(Consent.id)):
        facts[consent.contact_id].consent = ConsentStanding(consent.change.value)
    for conversation in session.scalars(select(Conversation)):
        facts[conversation.contact_id].turn = conversation.turn
    for tag in session.scalars(select(ContactTag)):
        facts[tag.contact_id].tags.add(tag.tag)
    for run in session.scalars(select(Enrollment)):
        facts[run.contact_id].began.add(run.sequence_id)
        if run.status in (EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED):
            facts[run.contact_id].running.add(run.sequence_id)
    for fact in session.scalars(select(Activity).order_by(Activity.id)):
        one = facts[fact.contact_id]
        if fact.kind in TOUCHES:
            one.touched = max(one.touched, fact.at)
        if fact.kind is ActivityKind.CONTACT_IMPORTED:
            one.source = Origin.IMPORT
    return list(facts.values())


def is_meant(chosen: Chosen, one: Facts) -> bool:
    """Read the filters as a person would."""

    def among(values, value):
        return not values or value in values

    def day(moment):
        return moment.astimezone(ZONE).date()

    owners = [ALICE if owner == ME else owner for owner in chosen.owners]
    stands = not (chosen.stages or chosen.outcomes) or (
        (one.stage or NOBODY) in chosen.stages or one.outcome in chosen.outcomes
    )
    return (
        not chosen.unread
        and one.apart == chosen.apart
        and stands
        and among(owners, one.owner or NOBODY)
        and among(chosen.topics, one.topic)
        and set(chosen.tags) <= one.tags
        and among(chosen.sources, one.source)
        and among(chosen.consents, one.consent)
        and among(chosen.turns, one.turn)
        and among(chosen.follow_ups, one.follow_ups)
        and (chosen.running is None or chosen.running in one.running)
        and (chosen.began is None or chosen.began in one.began)
        and (chosen.never_began is None or chosen.never_began not in one.began)
        and (chosen.seen_from is None or day(one.seen) >= chosen.seen_from)
        and (chosen.seen_until is None or day(one.seen) <= chosen.seen_until)
        and (chosen.touched_from is None or day(one.touched) >= chosen.touched_from)
        and (chosen.touched_until is None or day(one.touched) <= chosen.touched_until)
        and (chosen.quiet_days is None or one.touched < clock.now() - timedelta(days=chosen.quiet_days))
    )


def some(values, most=2):
    """Choose nothing more often than something, so that combinations mean somebody."""
    return st.one_of(st.just(()), st.just(()), st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple))


def maybe(values):
    return st.one_of(st.none(), st.none(), st.none(), values)


days = st.dates(date(2023, 5, 20), date(2026, 6, 5))
choices = st.builds(
    Chosen,
    st.just(ZONE),
    st.just(ALICE),
    stages=some([NOBODY, 1, 2, 3, 4, 99]),
    outcomes=some(list(Outcome)),
    owners=some([NOBODY, ME, 1, 2, 3, 99]),
    topics=some([topic.value for topic in Topic], 3),
    tags=some(["newsletter", "webinar spring", "company pays", "nobody has it"]),
    sources=some(list(Origin)),
    consents=some(list(ConsentStanding)),
    turns=some(list(Turn)),
    follow_ups=some(list(FollowUps)),
    running=maybe(st.integers(1, 5)),
    began=maybe(st.integers(1, 5)),
    never_began=maybe(st.integers(1, 5)),
    seen_from=maybe(days),
    seen_until=maybe(days),
    touched_from=maybe(days),
    touched_until=maybe(days),
    quiet_days=maybe(st.integers(0, 900)),
    apart=st.sampled_from([False, False, False, True]),
)
ALONE: list[dict[str, Any]] = [
    {"stages": (NOBODY,)},
    {"stages": (1, 3)},
    {"outcomes": (Outcome.WON,)},
    {"owners": (NOBODY,)},
    {"owners": (ME,)},
    {"topics": ("csm",)},
    {"tags": ("newsletter",)},
    {"sources": (Origin.IMPORT,)},
    {"consents": (ConsentStanding.WITHDRAWN,)},
    {"turns": (Turn.INSTITUTE,)},
    {"follow_ups": (FollowUps.ENDED,)},
    {"running": 1},
    {"began": 1},
    {"never_began": 1},
    {"quiet_days": 100},
    {"apart": True},
]
alone = st.sampled_from(ALONE).map(lambda filters: Chosen(ZONE, ALICE, **filters))


@effort(max_examples=50, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.one_of(alone, choices), order=st.sampled_from(list(Order)), few=st.sampled_from([0, 25_000]))
def test_filters_mean_whom_a_plain_reading_means_and_pages_lead_through_all(filled, chosen, order, few):
    with clock.at(NOW), filled.read() as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "FEW", few)
        patch.setattr(paging, "PAGE", 30)
        meant = [one for one in everybody_once(session) if is_meant(chosen, one)]
        assert set(session.scalars(chosen.ids())) == {one.id for one in meant}
        assert paging.listed(session, chosen, order).count == paging.Count(len(meant), more=False)
        key = {"name_key": lambda one: name_key(one.name), "first_seen_at": lambda one: one.seen}
        by = key.get(order.column.key, lambda one: one.touched)
        in_order = [one.id for one in sorted(meant, key=lambda one: (by(one), one.id), reverse=not order.rising)]
        assert down(session, chosen, order) == in_order
        assert up(session, chosen, order) == in_order


_known: dict[int, list[Facts]] = {}


def everybody_once(session):
    """Return what is known of everybody, read once for a database, since reading it is most of the time."""
    engine = id(session.get_bind())
    if engine not in _known:
        _known.clear()
        _known[engine] = everybody(session)
    return _known[engine]


def down(session, chosen, order):
    """Return the ids of all pages, from the first to the last, by places that went through an address."""
    ids: list[int] = []
    page = paging.listed(session, chosen, order).page
    while page.ids:
        ids += page.ids
        if page.next is None:
            break
        place = paging.read_place(order, paging.written(page.next))
        page = paging.listed(session, chosen, order, after=place).page
    return ids


def up(session, chosen, order):
    """Return the ids of all pages, gone through from the last back to the first."""
    pages = [paging.listed(session, chosen, order).page]
    while pages[-1].next is not None:
        pages.append(paging.listed(session, chosen, order, after=pages[-1].next).page)
    back = [pages[-1]]
    while back[-1].previous is not None:
        back.append(paging.listed(session, chosen, order, before=back[-1].previous).page)
    return [each for page in reversed(back) for each in page.ids]


@on_sqlite
def test_a_search_narrows_a_list_to_what_it_found(filled):
    chosen = Chosen(ZONE)
    with filled.read() as session:
        known = [one.id for one in everybody(session) if not one.apart][:3]
        found = paging.listed(session, chosen, Order.NAME, among=known)
        nobody = paging.listed(session, chosen, Order.NAME, among=[])
    assert (set(found.page.ids), found.count) == (set(known), paging.Count(3, more=False))
    assert (nobody.page.ids, nobody.count) == ([], paging.Count(0, more=False))


@on_sqlite
def test_a_place_beyond_the_end_of_a_narrowed_list_still_says_how_many_there_are(filled):
    with filled.read() as session:
        known = [one.id for one in everybody(session) if not one.apart][:3]
        beyond = paging.Place("\U0010ffff", 1)
        found = paging.listed(session, Chosen(ZONE), Order.NAME, after=beyond, among=known)
    assert (found.page.ids, found.count) == ([], paging.Count(3, more=False))


def test_tags_that_few_have_together_begin_the_list_though_each_is_frequent(filled, monkeypatch):
    chosen = Chosen(ZONE, tags=("newsletter", "webinar spring"))
    with clock.at(NOW), filled.read() as session:
        meant = {one.id for one in everybody(session) if is_meant(chosen, one)}
        each = [one for one in everybody(session) if one.tags & {*chosen.tags}]
        monkeypatch.setattr(paging, "FEW", len(meant) + 1)
        monkeypatch.setattr(paging, "_of_all", None)
        found = paging.listed(session, chosen, Order.NAME)
    assert 0 < len(meant) < len(each)
    assert (set(found.page.ids), found.count.number) == (meant, len(meant))


@on_sqlite
def test_a_large_list_is_counted_only_so_far(filled, monkeypatch):
    monkeypatch.setattr(paging, "COUNTED", 100)
    with filled.read() as session:
        assert paging.listed(session, Chosen(ZONE), Order.NAME).count == paging.Count(100, more=True)


# --- in an address ----------------------------------------------------------------------------------------------


@given(chosen=choices)
def test_what_was_chosen_comes_back_from_its_address(chosen):
    assert read_chosen(MultiDict(parameters(chosen)), ZONE, ALICE) == chosen


@example(name="quiet", value="0")
@given(name=st.sampled_from(sorted(LABELS)), value=st.text(st.characters(codec="utf-8"), max_size=30))
@effort(max_examples=300)
def test_whatever_stands_in_an_address_is_read_or_told(name, value):
    chosen = read_chosen(MultiDict({name: value}), ZONE, ALICE)
    assert bool(chosen.unread) or chosen.narrows or not value.strip()
    assert read_chosen(MultiDict(parameters(chosen)), ZONE, ALICE).unread == ()


@on_sqlite
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stage", "99999999999"),
        ("stage", "-1"),
        ("owner", "0"),
        ("seen_from", "2026-02-30"),
        ("quiet", "-3"),
        ("source", "carrier pigeon"),
        ("tag", "x" * 61),
        ("apart", "no"),
    ],
)
def test_a_filter_that_cannot_be_read_lists_nobody_and_says_so(filled, name, value):
    chosen = read_chosen(MultiDict({name: value, "topic": "csm"}), ZONE, ALICE)
    with filled.read() as session:
        assert paging.listed(session, chosen, Order.NAME).page.ids == []
        assert f"as “{LABELS[name]}”" in sentence(chosen, names(session))


def test_too_many_values_of_a_filter_are_told():
    chosen = read_chosen(MultiDict([("tag", f"tag {number}") for number in range(51)]), ZONE, ALICE)
    assert chosen.unread == ("There are more than 50 values for “tag”.",)


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("text", ["", "x", "1-", "1-x" * 300, "-5-3", "1-99999999999999999999", "1-\0"])
def test_a_place_that_is_none_is_no_place(order, text):
    place = paging.read_place(order, text)
    assert place is None or isinstance(place.value, str)


@on_sqlite
def test_the_sentence_says_every_filter(filled):
    address = MultiDict(
        [
            ("stage", "1"),
            ("owner", "nobody"),
            ("owner", "me"),
            ("topic", "csm"),
            ("tag", "hot"),
            ("tag", "b"),
            ("consent", "granted"),
            ("running", "1"),
            ("quiet", "30"),
            ("seen_from", "2026-03-02"),
        ]
    )
    chosen = read_chosen(address, ZONE, ALICE)
    with filled.read() as session:
        known = names(session)
    assert sentence(chosen, known) == (
        "Contacts in the stage “New”, looked after by nobody or whoever looks, about “Certified Scrum Master (CSM)”, "
        "tagged “hot”, tagged “b”, agreed to follow-ups, now in “The pathway, step by step”, "
        "first seen from 2 Mar 2026 on, not touched for 30 days."
    )
    assert [phrase.name for phrase in phrases(chosen, known)].count("tag") == 2
    assert sentence(Chosen(ZONE), known) == "All contacts."
