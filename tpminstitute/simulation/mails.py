"""Mails that a made-up world sends us, as their bytes: a person's answer, an out-of-office, a bounce, a complaint."""

from datetime import date
from email.utils import format_datetime

from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.mail.models import Message


def answer(settings: Settings, contact: Contact, to: Message | None, text: str) -> bytes:
    """Return a mail that a contact writes to the institute, answering `to` if there is one."""
    return _from_contact(settings, contact, to, "A question", text)


def out_of_office(settings: Settings, contact: Contact, to: Message | None, back_on: date) -> bytes:
    """Return what a contact's mail program answers while they are away until `back_on`."""
    text = f"I am out of the office and will be back on {back_on.isoformat()}."
    return _from_contact(settings, contact, to, "Out of office", text, "Auto-Submitted: auto-replied")


def bounce(settings: Settings, of: Message) -> bytes:
    """Return a report (RFC 3464) that a mail of ours came back for good."""
    said = "550 5.1.1 There is no such mailbox"
    report = [
        "Reporting-MTA: dns; mx.simulation.invalid",
        "",
        f"Final-Recipient: rfc822; {of.recipient}",
        "Action: failed",
        "Status: 5.1.1",
        f"Diagnostic-Code: smtp; {said}",
    ]
    return _report(settings, of, "Undelivered Mail Returned to Sender", "delivery-status", report)


def complaint(settings: Settings, of: Message) -> bytes:
    """Return a report (ARF, RFC 5965) that somebody marked a mail of ours as spam."""
    report = ["Feedback-Type: abuse", "User-Agent: Simulation/1", "Version: 1"]
    return _report(settings, of, "Abuse report", "feedback-report", report)


def _from_contact(
    settings: Settings, contact: Contact, to: Message | None, subject: str, text: str, *further: str
) -> bytes:
    references = [f"In-Reply-To: {to.message_id}", f"References: {to.message_id}"] if to else []
    return _bytes(
        f"From: {contact.email}",
        f"To: {settings.institute_email}",
        f"Subject: Re: {to.subject}" if to else f"Subject: {subject}",
        *_common(),
        *references,
        *further,
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        text,
    )


def _report(settings: Settings, of: Message, subject: str, kind: str, report: list[str]) -> bytes:
    return _bytes(
        "From: Mail Delivery System <postmaster@simulation.invalid>",
        f"To: {settings.institute_email}",
        f"Subject: {subject}",
        *_common(),
        "Auto-Submitted: auto-replied",
        f'Content-Type: multipart/report; report-type={kind}; boundary="part"',
        "",
        "--part",
        "Content-Type: text/plain",
        "",
        subject,
        "--part",
        f"Content-Type: message/{kind}",
        "",
        *report,
        "--part",
        "Content-Type: text/rfc822-headers",
        "",
        f"From: {of.sender}",
        f"To: {of.recipient}",
        f"Message-ID: {of.message_id}",
        "--part--",
        "",
    )


def _common() -> list[str]:
    message_id = f"<{tokens.public_id()}@simulation.invalid>"
    return [f"Date: {format_datetime(clock.now())}", f"Message-ID: {message_id}", "MIME-Version: 1.0"]


def _bytes(*lines: str) -> bytes:
    return "\r\n".join(lines).encode()
