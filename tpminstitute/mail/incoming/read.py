"""From the bytes of a mail to a `ReadMail`, whatever the bytes."""

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

import structlog

from tpminstitute.core import clock
from tpminstitute.core.text import one_line
from tpminstitute.mail.incoming.absences import is_absence, is_unmarked_absence
from tpminstitute.mail.incoming.attachments import read_attachments
from tpminstitute.mail.incoming.automatic import automatic_signs, is_calendar_answer, is_receipt
from tpminstitute.mail.incoming.bodies import read_body, text_parts
from tpminstitute.mail.incoming.bounces import is_from_daemon, is_status_report, read_bounce
from tpminstitute.mail.incoming.complaints import is_feedback, read_complaint
from tpminstitute.mail.incoming.headers import Headers, addresses, mailbox, message_ids, moment
from tpminstitute.mail.incoming.model import Bounce, Mailbox, ReadMail, ReceivedKind
from tpminstitute.mail.incoming.passages import split_passages
from tpminstitute.mail.incoming.returned import headers_in_text, ids_of, references_of, returned_headers
from tpminstitute.mail.incoming.returns import return_day
from tpminstitute.mail.incoming.structure import Structure, read_structure
from tpminstitute.mail.incoming.wishes import wants_no_more

UNREADABLE = "This mail couldn't be read. It is kept as it came; please look at the mail itself."

_SUBJECT_LIMIT = 500
_IDS_LIMIT = 100
_TO_FIELDS = (
    "to",
    "cc",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "resent-to",
    "x-forwarded-to",
)
_ONCE = ("from", "subject", "date", "message-id", "in-reply-to", "references", "reply-to", "content-type")
_SPAM_FIELDS = re.compile(r"\s*(?:yes|true|spam)\b", re.I)
_FORWARDED_SUBJECT = re.compile(r"\s*(?:fwd?|wg|tr|rv|i)\s*:", re.I)

log = structlog.get_logger(__name__)


def read_mail(content: bytes, *, ours: Collection[str] = frozenset()) -> ReadMail:
    """Return what a mail says and what kind of mail it is. Never raises; `problems` says what couldn't be read.

    `ours` are the institute's own addresses, in lower case: mail that a list hands out for one of them isn't list mail.
    """
    try:
        return _read(content, frozenset(ours))
    except Exception:
        # The mails behind this one must go on; staff see it as somebody's mail, since it may be.
        log.exception("mail_unreadable", octets=len(content))
        nobody = Mailbox("", "")
        return ReadMail(
            ReceivedKind.PERSON, "", nobody, "", (), "", None, (), (), "", (), "", False, problems=(UNREADABLE,)
        )


def _read(content: bytes, ours: frozenset[str]) -> ReadMail:
    structure = read_structure(content)
    headers, problems = structure.root.headers, structure.problems
    problems += [
        f"The header has more than one {name.title()}; the first counts."
        for name in _ONCE
        if len(headers.all(name)) > 1
    ]
    texts = text_parts(structure)
    body, html = read_body(structure, texts, problems)
    mail = ReadMail(
        kind=ReceivedKind.PERSON,
        message_id=next(iter(message_ids(headers.get("message-id"))), ""),
        sender=_sender(headers),
        reply_to=mailbox(headers.get("reply-to")).email if "reply-to" in headers else "",
        recipients=_recipients(headers),
        subject=one_line(headers.text("subject"), _SUBJECT_LIMIT),
        sent_at=_sent_at(headers, problems),
        refers_to=_thread(headers),
        references=references_of([headers]),
        text="\n".join(body.lines),
        passages=split_passages(body.lines, body.marks),
        html=html,
        answerable=False,
        attachments=read_attachments(structure, texts, problems),
        flagged_as_spam=_is_flagged(headers),
    )
    return replace(_of_its_kind(mail, structure, ours), problems=tuple(dict.fromkeys(problems)))


def _of_its_kind(mail: ReadMail, structure: Structure, ours: frozenset[str]) -> ReadMail:
    headers = structure.root.headers
    words = mail.words
    returned = returned_headers(structure)
    complaint = read_complaint(structure, returned)
    if complaint is not None:
        return _about_another(replace(mail, kind=ReceivedKind.COMPLAINT, complaint=complaint), returned)
    signs = automatic_signs(headers, mail.sender.email, mail.subject, words, ours)
    bounce = _bounce(mail, structure, returned, "null return-path" in signs)
    if bounce is not None:
        return _about_another(replace(mail, kind=ReceivedKind.BOUNCE, bounce=bounce), returned)
    reports = is_status_report(structure) or is_feedback(structure) or is_receipt(structure)
    if reports or _is_daemon(mail, headers) or is_calendar_answer(structure, words):
        return _about_another(replace(mail, kind=ReceivedKind.AUTOMATIC), returned)
    if signs <= {"auto-submitted"} and wants_no_more(mail.subject, words):
        return replace(mail, kind=ReceivedKind.UNSUBSCRIBE)
    if (signs and is_absence(mail.subject, words)) or is_unmarked_absence(words):
        back = return_day(f"{mail.subject}\n\n{words}", mail.sent_at or clock.now())
        return replace(mail, kind=ReceivedKind.OUT_OF_OFFICE, return_on=back)
    if signs:
        return replace(mail, kind=ReceivedKind.AUTOMATIC)
    return replace(mail, answerable=bool(mail.sender.email))


def _bounce(mail: ReadMail, structure: Structure, returned: list[Headers], no_way_back: bool) -> Bounce | None:
    by_daemon = is_from_daemon(mail.sender.email, mail.sender.name) or (no_way_back and not mail.sender.email)
    if by_daemon and _FORWARDED_SUBJECT.match(mail.subject) and not no_way_back:
        return None
    return read_bounce(structure, returned, mail.subject, mail.text, by_daemon or no_way_back)


def _is_daemon(mail: ReadMail, headers: Headers) -> bool:
    """Whether a mail server wrote; a postmaster who answers a mail of ours, with a way back, is a person."""
    if not is_from_daemon(mail.sender.email, mail.sender.name):
        return False
    answers = "in-reply-to" in headers and "@" in headers.get("return-path")
    return not (mail.sender.email.lower().startswith("postmaster@") and answers)


def _about_another(mail: ReadMail, returned: list[Headers]) -> ReadMail:
    """Return a report with what it says about the mail that it returns: that one's Message-ID goes first."""
    if not returned:
        returned = [headers_in_text(mail.text)]
    refers_to = tuple(dict.fromkeys([*ids_of(returned), *mail.refers_to]))[:_IDS_LIMIT]
    references = tuple(dict.fromkeys([*mail.references, *references_of(returned)]))
    return replace(mail, refers_to=refers_to, references=references)


def _sender(headers: Headers) -> Mailbox:
    said = mailbox(headers.get("from"))
    return said if said.email else Mailbox(said.name, mailbox(headers.get("sender")).email)


def _recipients(headers: Headers) -> tuple[str, ...]:
    found = [one for name in _TO_FIELDS for value in headers.all(name) for one in addresses(value)]
    return tuple(dict.fromkeys(found))[:500]


def _sent_at(headers: Headers, problems: list[str]) -> datetime | None:
    said = headers.get("date")
    sent_at = moment(said) if said else None
    if said and sent_at is None:
        problems.append("The date of the mail can't be right and was left out.")
    return sent_at


def _thread(headers: Headers) -> tuple[str, ...]:
    answered = [one for value in headers.all("in-reply-to") for one in message_ids(value)]
    before = [one for value in headers.all("references") for one in message_ids(value)]
    return tuple(dict.fromkeys([*answered, *reversed(before)]))[:_IDS_LIMIT]


def _is_flagged(headers: Headers) -> bool:
    """Whether the server that received the mail thinks it is spam, in the ways that the common filters say so."""
    said = ("x-spam-flag", "x-spam-status", "x-spam", "x-barracuda-spam-flag", "x-spam-checker")
    if any(_SPAM_FIELDS.match(headers.get(name)) for name in said):
        return True
    level = headers.get("x-ms-exchange-organization-scl").strip()
    return (level.isdecimal() and 5 <= int(level[:3]) <= 9) or "SFV:SPM" in headers.get("x-forefront-antispam-report")
