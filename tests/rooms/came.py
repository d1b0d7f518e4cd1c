"""Mails as they come in, made for a test: from Ada by default, and about nothing that any other mail is about."""

import itertools
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from sqlalchemy import select

from tests.factories import ADA, contact_of
from tpminstitute.contacts.models import Contact
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.inbox import conversations
from tpminstitute.inbox.models import Conversation, Door, ReceivedMail
from tpminstitute.inbox.receive import Incoming, Receipt, receive
from tpminstitute.mail.models import Message
from tpminstitute.mail.reply_addresses import Purpose, reply_address

_numbers = itertools.count(1)


def a_mail(
    *,
    sender: str = f"Ada Lovelace <{ADA}>",
    to: str = "info@tpminstitute.org",
    subject: str = "Re: The path",
    text: str = "Thank you, I will come on Monday.",
    answers: Message | None = None,
    **headers: str,
) -> EmailMessage:
    """Return a mail by a person; `answers` is the mail of ours that it replies to, `headers` further ones."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = "Sun, 22 Nov 2026 10:00:00 +0000"
    mail["Message-ID"] = f"<{next(_numbers)}.came@mail.example.org>"
    if answers is not None:
        mail["In-Reply-To"] = answers.message_id
        mail["References"] = answers.message_id
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def a_bounce(of: Message, *, status: str = "5.1.1", said: str = "550 5.1.1 No such user") -> bytes:
    """Return a report (RFC 3464) that a mail of ours couldn't be delivered, with its headers returned."""
    action = "failed" if status.startswith("5") else "delayed"
    head = of.content.partition(b"\r\n\r\n")[0].decode("ascii")
    lines = [
        "Return-Path: <>",
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>",
        "To: info@tpminstitute.org",
        "Subject: Undelivered Mail Returned to Sender",
        "Date: Sun, 22 Nov 2026 10:00:00 +0000",
        f"Message-ID: <{next(_numbers)}.bounce@mx.example.org>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        f"Your message could not be delivered: {said}",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.org",
        "",
        f"Final-Recipient: rfc822; {of.recipient}",
        f"Action: {action}",
        f"Status: {status}",
        f"Diagnostic-Code: smtp; {said}",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        head,
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


def a_complaint(of: Message) -> bytes:
    """Return a report (ARF, RFC 5965) that a mail of ours was marked as spam."""
    head = of.content.partition(b"\r\n\r\n")[0].decode("ascii")
    lines = [
        "From: Abuse Desk <feedback@mail.example.org>",
        "To: info@tpminstitute.org",
        "Subject: FW: The path",
        "Date: Sun, 22 Nov 2026 10:00:00 +0000",
        f"Message-ID: <{next(_numbers)}.arf@mail.example.org>",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "This is an email abuse report.",
        "--b",
        "Content-Type: message/feedback-report",
        "",
        "Feedback-Type: abuse",
        "User-Agent: Example/1.0",
        "Version: 1",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        head,
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


def came(db: Database, settings: Settings, mail: EmailMessage | bytes, **fields: Any) -> Receipt:
    """Take a mail in, through the mailbox by default."""
    content = mail if isinstance(mail, bytes) else mail.as_bytes()
    return receive(db, settings, Incoming(content, **({"door": Door.MAILBOX} | fields)))


def received(db: Database, receipt: Receipt) -> ReceivedMail:
    """Return a mail that came in as the database has it."""
    with db.read() as session:
        return session.scalars(select(ReceivedMail).where(ReceivedMail.public_id == receipt.public_id)).one()


def signed_address(settings: Settings, purpose: Purpose, contact: Contact) -> str:
    """Return one of our signed addresses, for a test whose settings have a REPLY_ADDRESS."""
    address = reply_address(settings, purpose, contact.public_id)
    assert address is not None
    return address.email


def conversation_of(db: Database, email: str = ADA) -> Conversation:
    """Return the conversation with the contact of an address, which there is."""
    with db.read() as session:
        kept = conversations.turn_of(session, contact_of(db, email).id)
    assert kept is not None
    return kept
