"""Read what was said between the institute and a contact: inquiries, mails that came in and mails that went out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.orm import Session, joinedload

from tpminstitute.accounts.models import Account
from tpminstitute.inbox.files import can_run
from tpminstitute.inbox.models import Inquiry, ReceivedAttachment, ReceivedMail, Standing, Writer
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.mail.models import Message
from tpminstitute.mail.queries import Mail

SHOWN = 20_000
"""Characters of a mail that are shown in the conversation."""


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
        """When it was written, or the moment that was chosen for it."""
        return self.mail.at


Spoken = Asked | Heard


def asked_and_heard(session: Session, inquiry_ids: Collection[int], mail_ids: Collection[int]) -> Sequence[Spoken]:
    """Return inquiries and received mails by their ids, newest first, with their files and the mails they came as."""
    inquiries = _inquiries(session, inquiry_ids) if inquiry_ids else []
    which = {"ids": mail_ids, "inquiries": inquiry_ids}
    mails = _read(session, _chosen_mails(), which) if mail_ids or inquiry_ids else []
    came = {mail.inquiry_id: mail for mail in mails if mail.inquiry_id is not None}
    asked = [Asked(inquiry, came.get(inquiry.id)) for inquiry in inquiries]
    heard = [mail for mail in mails if mail.id in mail_ids]
    return _with_files(session, sorted([*asked, *heard], key=lambda entry: entry.at, reverse=True))


_INQUIRIES = select(Inquiry).where(Inquiry.id.in_(bindparam("ids", expanding=True))).options(joinedload(Inquiry.along))


def _inquiries(session: Session, ids: Collection[int]) -> Sequence[Inquiry]:
    return session.scalars(_INQUIRIES, {"ids": ids}).all()


def heard_mail(session: Session, public_id: str) -> Heard | None:
    """Return the received mail with that public id, with its files, or None."""
    found = _read(session, _mails().where(ReceivedMail.public_id == bindparam("public_id")), {"public_id": public_id})
    if not found:
        return None
    (mail,) = _with_files(session, found)
    assert isinstance(mail, Heard)
    return mail


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


@cache
def _chosen_mails() -> Select[Any]:
    by_id = ReceivedMail.id.in_(bindparam("ids", expanding=True))
    return _mails().where(or_(by_id, ReceivedMail.inquiry_id.in_(bindparam("inquiries", expanding=True))))


def _read(session: Session, query: Select[Any], which: Mapping[str, Any]) -> list[Heard]:
    rows = [row._asdict() for row in session.execute(query, which)]
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


_FILES = (
    select(ReceivedAttachment)
    .where(ReceivedAttachment.mail_id.in_(bindparam("ids", expanding=True)))
    .order_by(ReceivedAttachment.mail_id, ReceivedAttachment.position)
)


def _with_files(session: Session, entries: Sequence[Spoken]) -> list[Spoken]:
    """Return `entries`, newest first, each mail with its files; the same file is known again by its digest."""
    ids = [mail.id for mail in _mails_in(entries)]
    files: dict[int, list[ReceivedAttachment]] = {mail_id: [] for mail_id in ids}
    for row in session.scalars(_FILES, {"ids": ids}) if ids else ():
        files[row.mail_id].append(row)
    seen: set[str] = set()
    made: list[Spoken] = []
    for entry in reversed(entries):
        if isinstance(entry, Heard):
            made.append(replace(entry, files=_files(files[entry.id], seen)))
        elif entry.mail is not None:
            made.append(replace(entry, mail=replace(entry.mail, files=_files(files[entry.mail.id], seen))))
        else:
            made.append(entry)
    return made[::-1]


def _mails_in(entries: Iterable[Spoken]) -> Iterable[Heard]:
    for entry in entries:
        mail = entry if isinstance(entry, Heard) else entry.mail
        if mail is not None:
            yield mail


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
