"""Complaints: reports that somebody marked a mail as spam (ARF, RFC 5965)."""

from tpminstitute.mail.incoming.headers import Headers, addresses, split_header
from tpminstitute.mail.incoming.model import Complaint
from tpminstitute.mail.incoming.structure import Structure

_OCTETS = 100_000
_NO_COMPLAINT = frozenset(("not-spam", "auth-failure", "dkim", "dmarc"))
_TO = ("x-hmxmroriginalrecipient", "original-rcpt-to", "x-original-to", "delivered-to", "to")


def is_feedback(structure: Structure) -> bool:
    """Return whether a mail is a feedback report of any type, a complaint or not."""
    return _report(structure) is not None or _old_microsoft(structure)


def read_complaint(structure: Structure, returned: list[Headers]) -> Complaint | None:
    """Return the complaint that a mail is, or None; `returned` are the headers of the mails it carries.

    A report that a mail is no spam after all, or that a signature failed (RFC 6591), is none.
    """
    report = _report(structure)
    if report is None:
        return Complaint(_first_address(returned)) if _old_microsoft(structure) else None
    if report.get("feedback-type").strip().lower() in _NO_COMPLAINT:
        return None
    return Complaint(_first_address([report]) or _first_address(returned))


def _report(structure: Structure) -> Headers | None:
    if not structure.root.media_type.startswith("multipart/"):
        return None
    for part in structure.leaves:
        if part.media_type == "message/feedback-report":
            octets, _ = part.octets(_OCTETS)
            octets = octets.lstrip(b"\r\n")
            return split_header(octets, 0, len(octets))[0]
    return None


def _old_microsoft(structure: Structure) -> bool:
    """Whether it is Microsoft's own form: the mail as an attachment, from staff@hotmail.com."""
    sender = structure.root.headers.get("from").lower()
    return "staff@hotmail.com" in sender and any(part.media_type == "message/rfc822" for part in structure.leaves)


def _first_address(headers: list[Headers]) -> str:
    for name in _TO:
        for one in headers:
            for value in one.all(name):
                if found := addresses(value):
                    return found[0]
    return ""
