"""Mails that come in, and whoever sends them: Ada, Charlie the outsider, machines."""

import itertools
from email.message import EmailMessage
from email.policy import SMTP

from tests.factories import ADA, messages
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.inbox.models import Door
from tpminstitute.inbox.receive import Incoming, receive
from tpminstitute.mail.models import MessageKind

CHARLIE = "charlie@outside.example"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 300
PDF = b"%PDF-1.4\n" + b"0" * 400

_numbers = itertools.count(1)


def a_mail(
    *,
    sender: str = f"Ada Lovelace <{ADA}>",
    subject: str = "A question",
    text: str = "Is there a course in the evening?",
    html: str | None = None,
    inline: dict[str, bytes] | None = None,
    files: dict[str, bytes] | None = None,
    answers: str = "",
    headers: dict[str, str] | None = None,
) -> bytes:
    """Return the bytes of a mail to the institute.

    Parameters: `answers`, the Message-ID of the mail that it replies to; `inline`, pictures by Content-ID.
    """
    mail = EmailMessage(policy=SMTP)
    values = {"From": sender, "To": "info@tpminstitute.org", "Subject": subject}
    values |= {"Message-ID": f"<{next(_numbers)}@mail.example>", **({"In-Reply-To": answers} if answers else {})}
    for name, value in (values | (headers or {})).items():
        mail[name] = value
    mail.set_content(text)
    if html is not None:
        mail.add_alternative(html, subtype="html")
        for content_id, octets in (inline or {}).items():
            part = mail.get_payload()[1]  # type: ignore[index]
            part.add_related(octets, "image", "png", cid=f"<{content_id}>", disposition="inline")  # type: ignore[union-attr]
    for name, octets in (files or {}).items():
        mail.add_attachment(octets, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


def came_in(db: Database, settings: Settings, content: bytes | None = None, **fields: object) -> str:
    """Let a mail come in. Returns: the public id it is kept under."""
    content = a_mail(**fields) if content is None else content  # type: ignore[arg-type]
    receipt = receive(db, settings, Incoming(content, Door.COMMAND))
    assert receipt.public_id is not None
    return receipt.public_id


def acknowledgement_id(db: Database) -> str:
    """Return the Message-ID of the newest acknowledgement, which a visitor may answer."""
    return messages(db, kind=MessageKind.ACKNOWLEDGEMENT)[-1].message_id
