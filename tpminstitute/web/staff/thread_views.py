"""What the templates of a conversation are given: mails that came in, with their files and what can be done."""

from dataclasses import dataclass

from flask import url_for

from tpminstitute.core.text import visible
from tpminstitute.inbox.files import PICTURES
from tpminstitute.inbox.models import Standing, Writer
from tpminstitute.inbox.threads import File, Heard
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.web.staff.access import list_place, may_act
from tpminstitute.web.staff.inbox_list import KIND_TAGS
from tpminstitute.web.staff.views import Action

CUT = "Only its beginning is shown here. Download the mail to read all of it."

SENT_ON = "It went out to the visitor as a reply."

FILES_LEFT = "The files in it did not go with it: send them from your own mail program."

_TYPES = {
    "application/msword": "Word document",
    "application/octet-stream": "unknown type",
    "application/pdf": "PDF",
    "application/rtf": "text (RTF)",
    "application/vnd.ms-excel": "Excel sheet",
    "application/vnd.ms-powerpoint": "PowerPoint",
    "application/vnd.oasis.opendocument.spreadsheet": "spreadsheet (ODS)",
    "application/vnd.oasis.opendocument.text": "text document (ODT)",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word document",
    "application/vnd.microsoft.portable-executable": "Windows program",
    "application/x-dosexec": "Windows program",
    "application/zip": "ZIP archive",
    "image/gif": "picture (GIF)",
    "image/jpeg": "picture (JPEG)",
    "image/png": "picture (PNG)",
    "image/svg+xml": "drawing (SVG)",
    "image/webp": "picture (WebP)",
    "message/rfc822": "mail",
    "text/calendar": "calendar entry",
    "text/csv": "table (CSV)",
    "text/html": "web page (HTML)",
    "text/plain": "text",
    "text/vcard": "business card",
}


@dataclass(frozen=True)
class FileView:
    """A file in a mail, as staff read of it before they download it."""

    name: str
    type: str
    size: str
    url: str
    warning: str
    quiet: bool


@dataclass(frozen=True)
class HeardView:
    """A mail that came in, as staff read it; `folded` is its whole text where the words alone are shown."""

    mail: Heard
    label: str
    machine: bool
    who: str
    address: str
    subject: str
    words: str
    folded: str
    notes: list[str]
    doubtful: bool
    files: list[FileView]
    url: str
    source_url: str
    actions: list[Action]


def heard_view(mail: Heard) -> HeardView:
    """Return a mail that came in, every hidden character in it written out."""
    words, text = visible(mail.words).strip(), visible(mail.text).strip()
    notes = [visible(problem) for problem in mail.problems]
    if mail.sent_on:
        notes.append(SENT_ON)
    if mail.sent_on and any(not file.inline for file in mail.files):
        notes.append(FILES_LEFT)
    if mail.cut:
        notes.append(CUT)
    return HeardView(
        mail=mail,
        label=_label(mail),
        machine=_is_machines(mail) or mail.sent_on,
        who=visible(mail.account_name or mail.sender_name or mail.sender_email) or "Nobody named",
        address=visible(mail.sender_email),
        subject=visible(mail.subject),
        words=words or text,
        folded=text if words and words != text else "",
        notes=notes,
        doubtful=mail.standing is Standing.DOUBTFUL,
        files=[_file(mail, file) for file in mail.files],
        url=url_for("staff.received_mail", public_id=mail.public_id, **list_place()),
        source_url=url_for("staff.mail_as_it_came", public_id=mail.public_id),
        actions=_decisions(mail) if mail.standing is Standing.DOUBTFUL and may_act() else [],
    )


def _is_machines(mail: Heard) -> bool:
    return mail.kind is not ReceivedKind.PERSON and mail.standing is Standing.TRUSTED


def _label(mail: Heard) -> str:
    if mail.kind is ReceivedKind.OUT_OF_OFFICE and mail.return_on:
        return f"Out of office until {mail.return_on:%a %-d %b %Y}"
    if mail.sent_on:
        return "Answered from their mail program"
    if mail.writer is Writer.STAFF and mail.kind is ReceivedKind.PERSON:
        return "Wrote from their own mail program"
    return KIND_TAGS[mail.kind][0]


def _decisions(mail: Heard) -> list[Action]:
    def action(label: str, verb: str, kind: str = "quiet") -> Action:
        return Action(label, url_for(f"staff.{verb}", public_id=mail.public_id, **list_place()), kind=kind)

    whose = []
    if mail.contact_id is not None:
        whose.append(action("Same person: keep this address", "same_person"))
    if mail.kind is ReceivedKind.PERSON and mail.sender_email:
        whose.append(action("Somebody else", "somebody_else"))
    return [*whose, action("Set aside", "set_aside")]


def _file(mail: Heard, file: File) -> FileView:
    runs = file.can_run
    return FileView(
        name=visible(file.name),
        type=_TYPES.get(file.media_type, file.media_type),
        size=_size(file.size),
        url=url_for("staff.attachment", public_id=mail.public_id, position=file.position),
        warning="Can run a program: don’t open it unless you expected it." if runs else "",
        quiet=not runs and (file.again or (file.inline and file.media_type in PICTURES)),
    )


def _size(octets: int) -> str:
    if octets < 1_000:
        return f"{octets} bytes"
    if octets < 1_000_000:
        return f"{round(octets / 1_000)} kB"
    return f"{octets / 1_000_000:.1f} MB"
