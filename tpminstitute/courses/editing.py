"""Add, change, publish, hide and archive courses; an address that one had leads to it for good."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line, without_hidden
from tpminstitute.courses.models import CourseSlug
from tpminstitute.institute.service import touch
from tpminstitute.sequences.models import Course, CourseDate

LONGEST_TITLE = 100
LONGEST_SLUG = 80
LONGEST_TEXT = 4_000
LONGEST_LINK = 500
MOST = 200
"""Courses outside the archive: they stand on one page."""

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True)
class CourseText:
    """What staff say about a course, as they typed it; without a `slug` the address is made from the title."""

    title: str
    topic: str
    for_whom: str = ""
    learns: str = ""
    link: str = ""
    slug: str = ""


class CourseProblems(Refusal):
    """A course or a date can't be kept as it is; `fields` says what has to be mended, field by field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        """Say where and why."""
        super().__init__(" ".join(fields.values()))
        self.fields = fields


class StaleText(Refusal):
    """Somebody changed the course since the page was shown; `kept` is what it says now."""

    def __init__(self, kept: Course) -> None:
        """Say what happened to what was typed."""
        super().__init__("This course was changed while you were writing. Yours was not saved and is still here.")
        self.kept = kept


def text_of(course: Course) -> CourseText:
    """Return what a course says, to be changed."""
    return CourseText(course.title, course.topic, course.for_whom, course.learns, course.link, course.slug)


def add_course(session: Session, text: CourseText, account_id: int) -> Course:
    """Add a course, hidden and at the end of the list; returns it. Raises `CourseProblems` for what can't be."""
    touch(session)
    kept = session.scalar(select(func.count()).where(Course.archived_at.is_(None))) or 0
    if kept >= MOST:
        raise CourseProblems({"title": f"Archive a course first: {MOST} are the most that one page should show."})
    checked = _checked(session, text, None)
    last = session.scalar(select(func.max(Course.position)))
    course = Course(**asdict(checked), position=0 if last is None else last + 1, number=1)
    session.add(course)
    session.flush()
    session.add(CourseSlug(slug=course.slug, course_id=course.id))
    _note(session, "course_added", course, account_id)
    return course


def change_course(session: Session, course_id: int, number: int, text: CourseText, account_id: int) -> bool:
    """Let a course say something else; its dates are called as it is. Returns whether anything changed.

    Parameters: `number`, the one that the page was shown with.
    Raises `StaleText` when somebody changed it since, and `CourseProblems` for what can't be.
    """
    course = locked_course(session, course_id)
    if course.number != number:
        raise StaleText(course)
    checked = _checked(session, text, course)
    if checked == text_of(course):
        return False
    if checked.title != course.title:
        dates = update(CourseDate).where(CourseDate.course_id == course.id)
        session.execute(
            dates.values(name=checked.title, number=CourseDate.number + 1, changed_at=clock.now()),
            execution_options={"synchronize_session": False},
        )
    for name, value in asdict(checked).items():
        setattr(course, name, value)
    if session.get(CourseSlug, course.slug) is None:
        session.add(CourseSlug(slug=course.slug, course_id=course.id))
    _changed(session, "course_changed", course, account_id)
    return True


def publish(session: Session, course_id: int, account_id: int) -> None:
    """Show a course to visitors. Raises `Refusal` for one in the archive, and one that they see already."""
    course = locked_course(session, course_id)
    if course.archived_at is not None:
        raise Refusal(f"“{course.title}” is in the archive. Nothing was changed. Take it out of the archive first.")
    if course.published_at is not None:
        raise Refusal(f"“{course.title}” is published already. Nothing was changed.")
    course.published_at = clock.now()
    _changed(session, "course_published", course, account_id)


def hide(session: Session, course_id: int, account_id: int) -> None:
    """Show a course to visitors no longer; its dates, and who waits, stay. Raises `Refusal` for one that is hidden."""
    course = locked_course(session, course_id)
    if course.published_at is None:
        raise Refusal(f"“{course.title}” is hidden already. Nothing was changed.")
    course.published_at = None
    _changed(session, "course_hidden", course, account_id)


def archive(session: Session, course_id: int, account_id: int) -> None:
    """Put a course away, hidden. Raises `Refusal` for one in the archive."""
    course = locked_course(session, course_id)
    if course.archived_at is not None:
        raise Refusal(f"“{course.title}” is in the archive already. Nothing was changed.")
    course.published_at, course.archived_at = None, clock.now()
    _changed(session, "course_archived", course, account_id)


def restore(session: Session, course_id: int, account_id: int) -> None:
    """Take a course out of the archive; it stays hidden. Raises `Refusal` for one that isn't there."""
    course = locked_course(session, course_id)
    if course.archived_at is None:
        raise Refusal(f"“{course.title}” is not in the archive. Nothing was changed.")
    course.archived_at = None
    _changed(session, "course_restored", course, account_id)


def move(session: Session, course_id: int, places: int, account_id: int) -> None:
    """Move a course up (-1) or down (1) on the page; one at the end stays there."""
    course = locked_course(session, course_id)
    in_order = list(
        session.scalars(select(Course).where(Course.archived_at.is_(None)).order_by(Course.position, Course.id))
    )
    at = in_order.index(course) if course in in_order else -1
    to = at + places
    if at < 0 or not 0 <= to < len(in_order):
        return
    in_order.insert(to, in_order.pop(at))
    for place, each in enumerate(in_order):
        each.position = place
    session.flush()
    _note(session, "course_moved", course, account_id)


def locked_course(session: Session, course_id: int) -> Course:
    """Return a course, to be changed by one at a time; raises `Refusal` when there is none."""
    touch(session)
    course = session.get(Course, course_id, populate_existing=True)
    if course is None:
        raise Refusal("There is no such course. Nothing was changed.")
    return course


def checked_link(typed: str) -> str:
    """Return an address of the web as it can be kept, '' for none; raises `Refusal` for anything but https."""
    link = typed.strip()
    if not link:
        return ""
    try:
        parts = urlsplit(link)
        sound = parts.scheme == "https" and parts.hostname and "." in parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    plain = link.isascii() and link.isprintable() and not set(" <>\"'\\`{}|^") & set(link)
    if not sound or not plain or "@" in urlsplit(link).netloc:
        raise Refusal("Write the whole address, such as https://example.org/course, or leave it empty.")
    if len(link) > LONGEST_LINK:
        raise Refusal(f"Shorten the address to {LONGEST_LINK} characters: it has {len(link):,}.")
    return "https" + link[5:]


def _checked(session: Session, text: CourseText, course: Course | None) -> CourseText:
    problems: dict[str, str] = {}
    title = one_line(text.title, len(text.title))
    if not title:
        problems["title"] = "Write what the course is called."
    elif len(title) > LONGEST_TITLE:
        problems["title"] = f"Shorten the title to {LONGEST_TITLE} characters: it has {len(title):,}."
    topics = topics_of(session)
    if text.topic not in [choice.key for choice in topics.offered] and (course is None or text.topic != course.topic):
        problems["topic"] = "Choose what letters about it are filed under."
    texts = {"for_whom": _lines(text.for_whom), "learns": _lines(text.learns)}
    for name, lines in texts.items():
        if len(lines) > LONGEST_TEXT:
            problems[name] = f"Shorten this to {LONGEST_TEXT:,} characters: it has {len(lines):,}."
    link = ""
    try:
        link = checked_link(text.link)
    except Refusal as refusal:
        problems["link"] = str(refusal)
    slug = text.slug.strip() or slug_from(title)
    refused = _why_not_at(session, slug, course)
    if refused and "title" not in problems:
        problems["slug"] = refused
    if problems:
        raise CourseProblems(problems)
    return CourseText(title, text.topic, texts["for_whom"], texts["learns"], link, slug)


def slug_from(title: str) -> str:
    """Return the address that a title makes: its Latin letters and digits, joined by hyphens; may be ''."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-")


def _why_not_at(session: Session, slug: str, course: Course | None) -> str:
    if not _SLUG.fullmatch(slug) or len(slug) > LONGEST_SLUG:
        return f"Use small letters, digits and hyphens, such as csm-evenings, {LONGEST_SLUG} characters at most."
    held = session.get(CourseSlug, slug)
    if held is None or (course is not None and held.course_id == course.id):
        return ""
    return f"“{session.get_one(Course, held.course_id).title}” has or had this address. Choose another one."


def _lines(text: str) -> str:
    return without_hidden(text).strip()


def _changed(session: Session, action: str, course: Course, account_id: int) -> None:
    course.number += 1
    session.flush()
    _note(session, action, course, account_id)


def _note(session: Session, action: str, course: Course, account_id: int) -> None:
    record_audit(session, action, f"{course.id}, “{course.title}”", account_id=account_id)
