"""Begin follow-ups by hand, for one contact or for many, after seeing exactly who gets what and when."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.background import LABELS as BACKGROUND_LABELS
from tpminstitute.contacts.models import Background
from tpminstitute.contacts.service import locked
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.audience import Audience, Candidate, candidates
from tpminstitute.pipeline.service import stages
from tpminstitute.sequences.enrolling import begin_by_hand, obstacles
from tpminstitute.sequences.forecast import Expected, expected_for
from tpminstitute.sequences.models import Sequence
from tpminstitute.sequences.versions import newest_version
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.people import listed_ids

MOST = 100
"""Contacts looked at on one page, and begun at once."""

CHOICES = ("topic", "stage", "background", "tag", "from", "until", "contact", "list", "after")
"""What the address may say of whom is meant."""


@dataclass(frozen=True)
class Row:
    """One contact of the preview: the mails they would get, or what stands against it."""

    candidate: Candidate
    mails: list[Expected]
    against: str


@staff.get(f"/sequences/<{ROW_ID}:sequence_id>/enroll")
def preview_enrollments(sequence_id: int) -> str:
    """Show whom the choice in the address means, and exactly which mails each of them would get and when."""
    return _page(_sequence(sequence_id))


@staff.post(f"/sequences/<{ROW_ID}:sequence_id>/enroll")
@acting
def begin_enrollments(sequence_id: int) -> Response | tuple[str, int]:
    """Begin the follow-ups for the contacts that were ticked, if the sequence still is the one that was looked at."""
    sequence = _sequence(sequence_id)
    if request.form.get("version") != str(newest_version(session(), sequence.id)):
        flash("The sequence was changed meanwhile. Nothing was started; look at the mails once more.", "warning")
        return _page(sequence), 409
    ticked = set(request.form.getlist("contact")[:MOST])
    begun, refused = 0, Counter[str]()
    for candidate in candidates(session(), _audience(), MOST, _place()):
        if candidate.contact.public_id in ticked:
            problem = _begin(sequence, candidate)
            begun += not problem
            refused.update([problem] if problem else [])
    _say(sequence, begun, refused)
    return redirect(_url(sequence), 303)


def _begin(sequence: Sequence, candidate: Candidate) -> str:
    """Begin the follow-ups for one contact; returns why not, or ""."""
    contact = locked(session(), candidate.contact.id)
    try:
        begin_by_hand(session(), settings(), contact.id, candidate.topic, sequence, me().id)
    except Refusal as refusal:
        return str(refusal)
    return ""


def _say(sequence: Sequence, begun: int, refused: Counter[str]) -> None:
    if begun:
        people = "1 person" if begun == 1 else f"{begun} people"
        flash(f"The follow-ups “{sequence.name}” started for {people}.", "success")
    elif not refused:
        flash("Nobody was ticked. Nothing was started.", "warning")
    for problem, times in refused.items():
        flash(f"{times} left out: {problem}", "warning")


def _page(sequence: Sequence) -> str:
    found = candidates(session(), _audience(), MOST + 1, _place())
    shown = found[:MOST]
    rows = _rows(sequence, shown)
    return render_template(
        "staff/enroll.html",
        sequence=sequence,
        version=newest_version(session(), sequence.id),
        rows=[row for row in rows if not row.against],
        left_out=[row for row in rows if row.against],
        may_begin=may_act(),
        topics=topics_of(session()).labels,
        backgrounds=BACKGROUND_LABELS,
        stages=stages(session()),
        chosen=_choice(),
        post_url=_url(sequence),
        more_url=_url(sequence, after=str(shown[-1].place)) if len(found) > MOST else None,
    )


def _rows(sequence: Sequence, found: Collection[Candidate]) -> list[Row]:
    against = obstacles(session(), sequence, [candidate.contact.id for candidate in found])
    topics = {each.contact.id: each.topic for each in found if each.contact.id not in against}
    mails = expected_for(session(), settings(), sequence, topics)
    return [Row(each, mails.get(each.contact.id, []), against.get(each.contact.id, "")) for each in found]


def _audience() -> Audience:
    """Return whom the address means; what it says that is no such choice narrows nothing."""
    args = request.args
    stage = args.get("stage", "")
    return Audience(
        topic=args["topic"] if args.get("topic") in topics_of(session()) else None,
        stage_id=int(stage) if stage.isascii() and stage.isdigit() and len(stage) < 10 else None,
        tag=args.get("tag", "").strip().casefold()[:60],
        background=Background(args["background"]) if args.get("background") in set(Background) else None,
        wrote_from=_midnight(args.get("from", "")),
        wrote_before=_midnight(args.get("until", ""), days=1),
        public_id=args.get("contact", "")[:20],
        whose=listed_ids(args.get("list", "")),
    )


def _midnight(text: str, days: int = 0) -> datetime | None:
    """Return the moment where the institute is at which a day begins, `days` later; None for what is no day."""
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
        return datetime.combine(day, time(), tzinfo=settings().institute_zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _place() -> int | None:
    text = request.args.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _choice() -> dict[str, str]:
    return {name: request.args[name] for name in CHOICES if name in request.args}


def _url(sequence: Sequence, **other: str) -> str:
    """Return the address of this choice; the same one is looked at and posted to."""
    choice: dict[str, Any] = _choice() | other
    return url_for("staff.preview_enrollments", sequence_id=sequence.id, **choice)


def _sequence(sequence_id: int) -> Sequence:
    found = session().get(Sequence, sequence_id)
    if found is None:
        abort(404)
    return found
