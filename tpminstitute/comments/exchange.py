"""Hand comments out as JSON, and take them in again, by their public ids: the same file twice changes nothing."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.models import Account
from tpminstitute.comments.models import LONGEST_BODY, LONGEST_CHAPTER, Comment, CommentState, CommentWriter
from tpminstitute.contacts.identity import AddressError, read_email
from tpminstitute.core import clock, tokens
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.institute.service import touch

FORMAT = "tpminstitute comments 1"
LONGEST_NAME = 200

_CHUNK = 500
_ID = re.compile(r"[0-9a-z]{1,20}")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class _Wrong(Refusal):
    """An entry can't be taken in; the sentence says why."""


@dataclass
class Report:
    """What an import did: how many were new, how many were there already, and what was left out and why."""

    added: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)


def pieces(db: Database) -> Iterator[str]:
    """Yield all comments as the pieces of one JSON document, in short transactions; what is answered comes first."""
    yield f'{{"format": {json.dumps(FORMAT)}, "comments": ['
    last, separator = 0, "\n"
    while rows := _chunk(db, last):
        for _, entry in rows:
            yield separator + json.dumps(entry, ensure_ascii=False)
            separator = ",\n"
        last = rows[-1][0]
    yield "\n]}\n"


def read(text: str) -> Sequence[Any]:
    """Return the entries of a document that `pieces` made; raises `Refusal` for any other text."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refusal("This is no JSON document, so nothing was taken in.") from error
    entries = document.get("comments") if isinstance(document, dict) else None
    if not isinstance(document, dict) or document.get("format") != FORMAT or not isinstance(entries, list):
        raise Refusal(f"This is no export of comments (“format”: “{FORMAT}”), so nothing was taken in.")
    return entries


def take_in(session: Session, entries: Sequence[Any], account_id: int | None) -> Report:
    """Store comments that aren't there yet, as they were; nobody is written to.

    An answer to an answer goes beside it, and one to a comment that is nowhere is left out and told.
    """
    report = Report()
    numbered = list(enumerate(entries, start=1))
    answers = [(number, entry) for number, entry in numbered if isinstance(entry, dict) and entry.get("answers")]
    others = [one for one in numbered if one not in answers]
    for number, entry in [*others, *_in_order(answers)]:
        try:
            _take_one(session, entry, report, number)
        except _Wrong as problem:
            report.problems.append(f"Entry {number}: {problem}")
    if report.added:
        touch(session)
        what = f"{report.added:,} comments, {report.known:,} known already"
        record_audit(session, "comments_imported", what, account_id=account_id, kind="comment")
    return report


def _in_order(answers: list[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield answers after what they answer, however deep they are nested."""
    waiting = answers
    while waiting:
        there = {entry.get("id") for _, entry in waiting}
        ready = [one for one in waiting if one[1].get("answers") not in there]
        yield from ready or waiting
        waiting = [one for one in waiting if one not in ready] if ready else []


def _take_one(session: Session, entry: Any, report: Report, number: int) -> None:
    if not isinstance(entry, dict):
        raise _Wrong("It is no comment.")
    public_id = _text(entry, "id", 20)
    if not _ID.fullmatch(public_id):
        raise _Wrong("Its id is none of ours: small letters and digits, 20 at most.")
    if session.scalar(select(Comment.id).where(Comment.public_id == public_id)) is not None:
        report.known += 1
        return
    writer, comment = _writer(entry), _comment(session, entry, public_id, report, number)
    session.add(comment)
    session.flush()
    if writer is not None:
        writer.comment_id = comment.id
        session.add(writer)
        session.flush()
    report.added += 1


def _comment(session: Session, entry: Mapping[str, Any], public_id: str, report: Report, number: int) -> Comment:
    chapter = _text(entry, "chapter", LONGEST_CHAPTER)
    if not _SLUG.fullmatch(chapter):
        raise _Wrong("Its chapter is no address of a chapter.")
    state = _text(entry, "state", 20)
    if state not in set(CommentState):
        raise _Wrong(f"Its state is “{one_line(state, 20)}”, which is none of ours.")
    written = _moment(entry, "written_at") or clock.now()
    top = _top(session, entry, chapter)
    return Comment(
        public_id=public_id,
        form_key=tokens.digest(f"import:{public_id}"),
        chapter=chapter,
        edition=_text(entry, "edition", 8, optional=True),
        level=1 if top is None else 2,
        parent_id=top,
        parent_level=None if top is None else 1,
        name=_text(entry, "name", LONGEST_NAME),
        body=_text(entry, "body", LONGEST_BODY),
        state=CommentState(state),
        suspicions=[str(one)[:500] for one in entry.get("suspicions") or [] if isinstance(one, str)],
        created_at=written,
        edited_at=_moment(entry, "edited_at"),
        decided_at=_moment(entry, "decided_at") or (None if state in ("held", "suspected") else written),
        told_at=written,
        account_id=_account(session, entry, report, number),
    )


def _top(session: Session, entry: Mapping[str, Any], chapter: str) -> int | None:
    answers = entry.get("answers")
    if not answers:
        return None
    found = session.execute(
        select(Comment.id, Comment.parent_id).where(Comment.public_id == str(answers), Comment.chapter == chapter)
    ).one_or_none()
    if found is None:
        raise _Wrong("It answers a comment that is not there. Bring that one as well.")
    top: int = found.parent_id or found.id
    return top


def _account(session: Session, entry: Mapping[str, Any], report: Report, number: int) -> int | None:
    """Return the account of the institute that wrote an entry; one that isn't known here is told and left out."""
    email = entry.get("by_institute")
    if not email:
        return None
    found = session.scalar(select(Account.id).where(Account.email == str(email).lower()))
    if found is None:
        report.problems.append(f"Entry {number}: Taken in, but not as the institute’s: there is no such account here.")
    return found


def _writer(entry: Mapping[str, Any]) -> CommentWriter | None:
    if not entry.get("email"):
        return None
    try:
        email = read_email(_text(entry, "email", 320))
    except AddressError as problem:
        raise _Wrong(str(problem)) from None
    wording = _text(entry, "asked_to_hear", 500, optional=True)
    return CommentWriter(
        public_id=tokens.public_id(),
        email=email.address,
        email_key=email.key,
        wording=wording,
        ended_at=_moment(entry, "heard_enough_at") if wording else None,
    )


def _text(entry: Mapping[str, Any], name: str, longest: int, *, optional: bool = False) -> str:
    value = entry.get(name)
    if value in (None, "") and optional:
        return ""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise _Wrong(f"Its “{name}” is missing, or no text.")
    if len(value) > longest:
        raise _Wrong(f"Its “{name}” has {len(value):,} characters, and {longest:,} are the most.")
    return value


def _moment(entry: Mapping[str, Any], name: str) -> datetime | None:
    value = entry.get(name)
    if not value:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise _Wrong(f"Its “{name}” is no moment with a time zone, such as 2026-11-03T09:30:00+00:00.")
    return found


def _chunk(db: Database, after: int) -> list[tuple[int, dict[str, Any]]]:
    top = aliased(Comment)
    query = (
        select(Comment, top.public_id, Account.email, CommentWriter)
        .outerjoin(top, top.id == Comment.parent_id)
        .outerjoin(Account, Account.id == Comment.account_id)
        .outerjoin(CommentWriter, CommentWriter.comment_id == Comment.id)
        .where(Comment.id > after)
        .order_by(Comment.id)
        .limit(_CHUNK)
    )
    with db.read() as session:
        rows = session.execute(query).all()
    return [(comment.id, _entry(comment, answers, by, writer)) for comment, answers, by, writer in rows]


def _entry(comment: Comment, answers: str | None, by: str | None, writer: CommentWriter | None) -> dict[str, Any]:
    return {
        "id": comment.public_id,
        "chapter": comment.chapter,
        "edition": comment.edition,
        "answers": answers,
        "name": comment.name,
        "body": comment.body,
        "state": comment.state.value,
        "suspicions": comment.suspicions,
        "written_at": comment.created_at.isoformat(),
        "edited_at": comment.edited_at.isoformat() if comment.edited_at else None,
        "decided_at": comment.decided_at.isoformat() if comment.decided_at else None,
        "by_institute": by,
        "email": writer.email if writer else None,
        "asked_to_hear": writer.wording if writer else None,
        "heard_enough_at": writer.ended_at.isoformat() if writer and writer.ended_at else None,
    }
