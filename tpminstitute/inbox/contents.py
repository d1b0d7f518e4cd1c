"""Keep a mail's bytes: each attachment's body once, however many mails carry it, and the rest as it came."""

import base64
import binascii
import quopri
from collections.abc import Sequence

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.inbox.models import AttachmentBody, ReceivedAttachment, ReceivedContent, ReceivedMail
from tpminstitute.mail.incoming.model import Attachment

_LEAST = 256
"""Octets; a shorter body isn't worth a row of its own, and might stand in the mail by chance."""

_CONTENT = insert(ReceivedContent.__table__).inline()  # type: ignore[arg-type]
"""Made once, on the table: the ORM's way costs several times as much, for every mail that comes in."""

_NAME_LIMIT = 200
_TYPE_LIMIT = 120
_ENCODING_LIMIT = 40


def keep_content(session: Session, mail: ReceivedMail, content: bytes, attachments: Sequence[Attachment]) -> None:
    """Store the bytes of a received mail and the files in it."""
    for position, attachment in enumerate(attachments, start=1):
        _keep_body(session, attachment)
        session.add(_row(mail.id, position, attachment))
        if len(attachment.encoded) >= _LEAST:
            content = content.replace(attachment.encoded, _mark(mail, attachment.digest), 1)
    session.flush()
    session.connection().execute(_CONTENT, {"mail_id": mail.id, "content": content})


def content_of(session: Session, mail: ReceivedMail) -> bytes:
    """Return a received mail's bytes, exactly as they came; b'' once they aren't kept any more (retention, erasure)."""
    whole = session.get(ReceivedContent, mail.id)
    if whole is None:
        return b""
    content = whole.content
    kept = session.execute(
        select(AttachmentBody.digest, AttachmentBody.encoded)
        .join(ReceivedAttachment, ReceivedAttachment.digest == AttachmentBody.digest)
        .where(ReceivedAttachment.mail_id == mail.id)
    ).all()
    for digest, encoded in kept:
        content = content.replace(_mark(mail, digest), encoded)
    return content


def attachment_content(session: Session, attachment: ReceivedAttachment) -> bytes:
    """Return the octets of a file in a mail; one whose encoding is damaged comes as far as it can be read."""
    encoded = session.get_one(AttachmentBody, attachment.digest).encoded
    match attachment.encoding:
        case "base64":
            return _from_base64(encoded)
        case "quoted-printable":
            return quopri.decodestring(encoded)
        case _:
            return encoded


def _from_base64(encoded: bytes) -> bytes:
    clean = b"".join(encoded.split())
    for missing in (b"", b"=", b"==", b"==="):
        try:
            return base64.b64decode(clean + missing)
        except binascii.Error:
            continue
    return base64.b64decode(clean[: len(clean) // 4 * 4 - 4] or b"")


def _keep_body(session: Session, attachment: Attachment) -> None:
    insert_or_ignore = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(
        insert_or_ignore(AttachmentBody)
        .values(digest=attachment.digest, encoded=attachment.encoded)
        .on_conflict_do_nothing(index_elements=["digest"])
    )


def _row(mail_id: int, position: int, attachment: Attachment) -> ReceivedAttachment:
    return ReceivedAttachment(
        mail_id=mail_id,
        position=position,
        name=attachment.name[:_NAME_LIMIT] or f"attachment-{position}",
        media_type=attachment.media_type[:_TYPE_LIMIT],
        size=attachment.size,
        digest=attachment.digest,
        encoding=attachment.encoding[:_ENCODING_LIMIT],
        inline_id=attachment.inline_id[:_NAME_LIMIT],
    )


def _mark(mail: ReceivedMail, digest: str) -> bytes:
    """Return what stands for a body: nobody who writes a mail can know it, since the public id is drawn afterwards."""
    return f"<tpm-attachment:{mail.public_id}:{digest}>".encode("ascii")
