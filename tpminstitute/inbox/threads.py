"""Read one conversation: inquiries, mails that came in and mails that went out, newest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.inbox.files import can_run
from tpminstitute.inbox.models import Inquiry, ReceivedAttachment, ReceivedMail, Standing, Writer
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.mail.models import Message, MessageKind
from tpminstitute.mail.queries import Mail, mails_of

PAGE = 25
"""Things said that one page of a conversation shows."""

SHOWN = 20_000
"""Characters of a mail that are shown in the conversation."""

TO_THE_PERSON = (MessageKind.ACKNOWLEDGEMENT, MessageKind.FOLLOW_UP, MessageKind.REPLY)
"""Our mails that belong to the conversation; the others go to the institute itself."""


@dataclass(frozen=True)
class File:
    """A file in a mail, as staff read of it. `again` says that an earlier mail of the page carries it as well."""

    position: int
    name: str
    media_type: str
    size: int
    digest: str
    inline: bool
    can_run: bool
    again: bool = False


@dataclass(frozen=True)
class Heard:
    """A mail that came in, as staff read it; `words` and `text` hold no more than `SHOWN` characters.

    `cut` says that there is more. `sent_on` says that it is an answer by staff, which went out to the visitor.
    """

    id: int
    public_id: str
    kind: ReceivedKind
    writer: Writer
    standing: Standing
    doubt: str
    sender_name: str
    sender_email: str
    subject: str
    words: str
    text: str
    cut: bool
    problems: Sequence[str]
    sent_at: datetime | None
    at: datetime
    return_on: date | None
    contact_id: int | None
    inquiry_id: int | None
    account_name: str
    files: Sequence[File] = ()
    sent_on: bool = False


@dataclass(frozen=True)
class Asked:
    """An inquiry, with the mail that it came as, if it was one."""

    inquiry: Inquiry
    mail: Heard | None

    @property
    def at(self) -> datetime:
        """When it came in."""
        return self.inquiry.received_at


@dataclass(frozen=True)
class Said:
    """A mail of ours to the person."""

    mail: Mail

    @property
    def at(self) -> datetime:
        """When it was written."""
        return self.mail.created_at


Entry = Asked | Heard | Said


@dataclass(frozen=True)
class Place:
    """Where a page of a conversation begins: only what has a smaller id than these."""

    inquiry: int | None = None
    heard: int | None = None
    said: int | None = None


@dataclass(frozen=True)
class Page:
    """A page of a conversation, newest first; `older` is where the next one begins, if there is one."""

    entries: Sequence[Entry]
    older: Place | None


def conversation_of(session: Session, contact_id: int, place: Place) -> Page:
    """Return a page of all that was said between the institute and a contact, newest first."""
    asked, heard = _asked(session, contact_id, place.inquiry), _heard(session, contact_id, place.heard)
    said = [Said(mail) for mail in mails_of(session, contact_id, TO_THE_PERSON, most=PAGE + 1, before=place.said)]
    shown = _newest_of(asked, heard, said)
    more = len(asked) + len(heard) + len(said) > len(shown)
    older = Place(
        min((entry.inquiry.id for entry in shown if isinstance(entry, Asked)), default=place.inquiry),
        min((entry.id for entry in shown if isinstance(entry, Heard)), default=place.heard),
        min((entry.mail.id for entry in shown if isinstance(entry, Said)), default=place.said),
    )
    return Page(_with_files(session, _with_mails(session, shown)), older if more else None)


def heard_mail(session: Session, public_id: str) -> Heard | None:
    """Return the received mail with that public id, with its files, or None."""
    found = _read(session, _mails().where(ReceivedMail.public_id == public_id))
    if not found:
        return None
    (mail,) = _with_files(session, found)
    assert isinstance(mail, Heard)
    return mail


def _newest_of(*kinds: Sequence[Entry]) -> list[Entry]:
    """Return the newest entries of several lists, each of which keeps its own order, whatever the clock did."""
    rest = [list(reversed(kind)) for kind in kinds]
    shown: list[Entry] = []
    while len(shown) < PAGE and any(rest):
        newest = max((entries for entries in rest if entries), key=lambda entries: entries[-1].at)
        shown.append(newest.pop())
    return shown


def _asked(session: Session, contact_id: int, before: int | None) -> list[Asked]:
    query = select(Inquiry).where(Inquiry.contact_id == contact_id)
    if before is not None:
        query = query.where(Inquiry.id < before)
    return [Asked(inquiry, None) for inquiry in session.scalars(query.order_by(Inquiry.id.desc()).limit(PAGE + 1))]


def _heard(session: Session, contact_id: int, before: int | None) -> list[Heard]:
    query = _mails().where(ReceivedMail.contact_id == contact_id, ReceivedMail.inquiry_id.is_(None))
    if before is not None:
        query = query.where(ReceivedMail.id < before)
    return _read(session, query.order_by(ReceivedMail.id.desc()).limit(PAGE + 1))


def _mails() -> Select[Any]:
    answer = select(Message.id).where(Message.dedupe_key == "reply:mail:" + ReceivedMail.fingerprint)
    return select(
        ReceivedMail.id,
        ReceivedMail.public_id,
        ReceivedMail.kind,
        ReceivedMail.writer,
        ReceivedMail.standing,
        ReceivedMail.doubt,
        ReceivedMail.sender_name,
        ReceivedMail.sender_email,
        ReceivedMail.subject,
        func.substr(ReceivedMail.words, 1, SHOWN + 1).label("words"),
        func.substr(ReceivedMail.text, 1, SHOWN + 1).label("text"),
        ReceivedMail.problems,
        ReceivedMail.sent_at,
        ReceivedMail.received_at.label("at"),
        ReceivedMail.return_on,
        ReceivedMail.contact_id,
        ReceivedMail.inquiry_id,
        func.coalesce(Account.name, "").label("account_name"),
        answer.exists().label("sent_on"),
    ).outerjoin(Account, Account.id == ReceivedMail.account_id)


def _read(session: Session, query: Select[Any]) -> list[Heard]:
    rows = [row._asdict() for row in session.execute(query)]
    return [
        Heard(
            **row
            | {
                "words": row["words"][:SHOWN],
                "text": row["text"][:SHOWN],
                "cut": len(row["words"]) > SHOWN or len(row["text"]) > SHOWN,
            }
        )
        for row in rows
    ]


def _with_mails(session: Session, entries: Sequence[Entry]) -> list[Entry]:
    """Return `entries`, each inquiry with the mail that it came as."""
    inquiries = [entry.inquiry.id for entry in entries if isinstance(entry, Asked)]
    came = _read(session, _mails().where(ReceivedMail.inquiry_id.in_(inquiries))) if inquiries else []
    by_inquiry = {mail.inquiry_id: mail for mail in came}
    return [
        replace(entry, mail=by_inquiry.get(entry.inquiry.id)) if isinstance(entry, Asked) else entry
        for entry in entries
    ]


def _with_files(session: Session, entries: Sequence[Entry]) -> list[Entry]:
    """Return `entries`, each mail with its files; the same file is known again by its digest."""
    ids = [mail.id for mail in _mails_in(entries)]
    files: dict[int, list[ReceivedAttachment]] = {mail_id: [] for mail_id in ids}
    if ids:
        for row in session.scalars(
            select(ReceivedAttachment)
            .where(ReceivedAttachment.mail_id.in_(ids))
            .order_by(ReceivedAttachment.mail_id, ReceivedAttachment.position)
        ):
            files[row.mail_id].append(row)
    seen: set[str] = set()
    made: list[Entry] = []
    for entry in reversed(entries):
        if isinstance(entry, Heard):
            made.append(replace(entry, files=_files(files[entry.id], seen)))
        elif isinstance(entry, Asked) and entry.mail is not None:
            made.append(replace(entry, mail=replace(entry.mail, files=_files(files[entry.mail.id], seen))))
        else:
            made.append(entry)
    return made[::-1]


def _mails_in(entries: Iterable[Entry]) -> Iterable[Heard]:
    for entry in entries:
        if isinstance(entry, Heard):
            yield entry
        elif isinstance(entry, Asked) and entry.mail is not None:
            yield entry.mail


def _files(rows: Sequence[ReceivedAttachment], seen: set[str]) -> list[File]:
    files = []
    for row in rows:
        files.append(
            File(
                position=row.position,
                name=row.name,
                media_type=row.media_type,
                size=row.size,
                digest=row.digest,
                inline=bool(row.inline_id),
                can_run=can_run(row.name, row.media_type),
                again=row.digest in seen,
            )
        )
        seen.add(row.digest)
    return files
