"""The weekly summary: last week in numbers, by mail to whom administrators chose, once on its first working day."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.core import clock, tokens, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.inbox.models import Conversation, Turn
from tpminstitute.institute.promise import Promise
from tpminstitute.institute.recipients import NoticeKind, Recipient, recipients
from tpminstitute.mail.models import Message
from tpminstitute.mail.to_staff import staff_letter, write_to_staff
from tpminstitute.pipeline.models import Lead, Outcome, Stage
from tpminstitute.reports.answers import Answers, answers_report
from tpminstitute.reports.follow_ups import follow_up_lines
from tpminstitute.reports.inquiries import InquiryReport, inquiry_report
from tpminstitute.reports.periods import Period, Piece
from tpminstitute.today.queries import promise_in

LETTER = "weekly-summary"
REASON = "You get this because an administrator chose you for the weekly summary."

HAPPENED = ("inquiries", "before", "opened", "won", "lost", "begun")
"""What makes a week worth a mail."""


def write_summaries(db: Database, settings: Settings) -> int:
    """Write the summary of last week to whoever is to get it and didn't; returns how many were written.

    None is written of a week in which nothing happened. Any number of workers may run at once: the mail's own key lets
    it be queued once. A service that stood still on the week's first working day catches up later in the week.
    """
    with db.read() as session:
        week = _week_to_tell(session, settings)
        if week is None or not _owed(session, settings, week):
            return 0
    with db.write() as session:
        owed = _owed(session, settings, week)
        values = _values(session, settings, week)
        if all(values[name] == "0" for name in HAPPENED):
            return 0
        letter = staff_letter(settings, LETTER, REASON, **values)
        return sum(
            write_to_staff(
                session,
                settings,
                letter,
                name=who.name,
                email=who.email,
                cause=f"week:{week.first}",
                dedupe_key=_key(week, who),
            )
            for who in owed
        )


def _week_to_tell(session: Session, settings: Settings) -> Period | None:
    """Return last week when this week's first working day has come to the hour of the morning's mails, else None."""
    now, hours = clock.now(), promise_in(session, settings).hours
    today = zones.local(now, hours.zone).date()
    monday = today - timedelta(days=today.weekday())
    working = [day for day in _week(monday) if day.isoweekday() in hours.week and day not in hours.holidays]
    if not working:
        return None
    reading = datetime.combine(working[0], time()) + timedelta(minutes=settings.digest_minute)
    if now < zones.moment(zones.existing(reading, hours.zone), hours.zone):
        return None
    return Period(monday - timedelta(days=7), monday - timedelta(days=1), Piece.WEEK, hours.zone)


def _week(monday: date) -> list[date]:
    return [monday + timedelta(days=days) for days in range(7)]


def _owed(session: Session, settings: Settings, week: Period) -> Sequence[Recipient]:
    """Return who is to get the summary of `week` and has none yet."""
    keys = {_key(week, who): who for who in recipients(session, settings, NoticeKind.WEEKLY_SUMMARY)}
    queued = set(session.scalars(select(Message.dedupe_key).where(Message.dedupe_key.in_(keys))))
    return [who for key, who in keys.items() if key not in queued]


def _key(week: Period, who: Recipient) -> str:
    return f"week:{week.first}:{tokens.digest(who.email.lower())[:16]}"


def _values(session: Session, settings: Settings, week: Period) -> dict[str, str]:
    promise = promise_in(session, settings)
    came = inquiry_report(session, week)
    before = Period(week.first - timedelta(days=7), week.first - timedelta(days=1), Piece.WEEK, week.zone)
    lines = follow_up_lines(session, week)
    return {
        "week": f"{week.first.day} {week.first:%B} to {week.last.day} {week.last:%B %Y}",
        "inquiries": str(came.total),
        "before": str(inquiry_report(session, before).total),
        "topics": _topics(came),
        "answers": _answers(answers_report(session, week, promise).total, promise),
        "waiting": str(_waiting(session)),
        "opened": str(_leads(session, week, None)),
        "won": str(_leads(session, week, Outcome.WON)),
        "lost": str(_leads(session, week, Outcome.LOST)),
        "begun": str(sum(line.begun for line in lines)),
        "mails": str(sum(line.mails for line in lines)),
        "reports_url": f"{settings.public_url}/staff/reports/inquiries?from={week.first}&until={week.last}&by=day",
    }


def _topics(came: InquiryReport) -> str:
    return ", ".join(f"{topic.name} {topic.inquiries}" for topic in came.topics) or "nothing to tell apart"


def _answers(total: Answers, promise: Promise) -> str:
    """Return as a sentence how the promise to those who wrote in the week was kept."""
    if total.kept is None or total.median is None:
        return "No first answer was due or given."
    hours = promise.working_time.total_seconds() / 3600
    return (
        f"{total.kept:.0%} of the first answers came within the {hours:g} working hours that we promise; "
        f"half of them within {total.median:.1f}."
    )


def _waiting(session: Session) -> int:
    return session.scalar(select(func.count()).where(Conversation.turn == Turn.INSTITUTE)) or 0


def _leads(session: Session, week: Period, outcome: Outcome | None) -> int:
    """Return how many leads were opened in a week or, with an outcome, closed with it."""
    counted = select(func.count()).select_from(Lead)
    if outcome is None:
        counted = counted.where(Lead.opened_at >= week.begins, Lead.opened_at < week.ends)
    else:
        counted = counted.join(Stage, Stage.id == Lead.stage_id).where(
            Stage.outcome == outcome, Lead.closed_at >= week.begins, Lead.closed_at < week.ends
        )
    return session.scalar(counted) or 0
