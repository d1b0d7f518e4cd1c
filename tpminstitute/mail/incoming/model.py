"""A mail that came in, as it was read."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class ReceivedKind(StrEnum):
    """What a mail that came in is.

    Only `PERSON` was written by somebody; nothing else is ever answered, stops a sequence as a reply does, or waits
    for staff.
    """

    PERSON = "person"
    OUT_OF_OFFICE = "out_of_office"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"


class PassageKind(StrEnum):
    """What a part of a mail's text is."""

    WORDS = "words"
    QUOTED = "quoted"
    SIGNATURE = "signature"


@dataclass(frozen=True)
class Passage:
    """A part of a mail's text, in the order of the mail; all passages together are the whole text."""

    kind: PassageKind
    text: str


@dataclass(frozen=True)
class Mailbox:
    """Who a mail says it is from: a display name, which may be '', and an address as written, which may be none."""

    name: str
    email: str


@dataclass(frozen=True)
class Attachment:
    """A file in a mail.

    `media_type` is told by the content, `declared_type` by the mail. `encoded` is the part's body exactly as it
    stands in the mail (still in its transfer encoding), and `encoding` names that encoding; `size` is in octets,
    decoded. `inline_id` is the Content-ID of a picture that the HTML shows, or ''.
    """

    name: str
    media_type: str
    declared_type: str
    size: int
    digest: str
    encoded: bytes
    encoding: str
    inline_id: str = ""


@dataclass(frozen=True)
class Bounce:
    """A report that a mail couldn't be delivered (RFC 3464, or one of the many other forms).

    `permanent` tells a hard bounce from a soft one; `status` is an enhanced status code (RFC 3463) or ''; `recipient`
    is the address that failed, or ''; `reason` is what the server said, on one line.
    """

    permanent: bool
    status: str
    recipient: str
    reason: str


@dataclass(frozen=True)
class Complaint:
    """A report that somebody marked a mail as spam (ARF, RFC 5965); `recipient` may be ''."""

    recipient: str


@dataclass(frozen=True)
class ReadMail:
    """One mail, read as well as it can be; whatever is missing or broken is empty, and `problems` says so.

    `refers_to` holds every Message-ID, in angle brackets, that In-Reply-To, References or a returned original names,
    the nearest first; `references` the values of X-TPM-Reference found in it or in a returned original, but never in
    quoted text. `recipients` are all the addresses it was sent or delivered to, as written. `text` is the whole text
    as people read it, `passages` the same text in parts. `html` is the mail's own HTML, untouched and unsafe.
    `answerable` says whether anything automatic may ever answer it (RFC 3834). `return_on` is the day an
    out-of-office names. `flagged_as_spam` says whether the receiving server thinks so.
    """

    kind: ReceivedKind
    message_id: str
    sender: Mailbox
    reply_to: str
    recipients: tuple[str, ...]
    subject: str
    sent_at: datetime | None
    refers_to: tuple[str, ...]
    references: tuple[str, ...]
    text: str
    passages: tuple[Passage, ...]
    html: str
    answerable: bool
    attachments: tuple[Attachment, ...] = ()
    bounce: Bounce | None = None
    complaint: Complaint | None = None
    return_on: date | None = None
    flagged_as_spam: bool = False
    problems: tuple[str, ...] = field(default=())

    @property
    def words(self) -> str:
        """What the writer newly wrote: no quoted text, no signature."""
        parts = [passage.text.strip() for passage in self.passages if passage.kind is PassageKind.WORDS]
        return "\n\n".join(part for part in parts if part)
