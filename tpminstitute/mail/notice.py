"""The institute's notice of an inquiry: what a stranger typed, shown as it is and unable to do anything."""

from tpminstitute.core.text import one_line, visible
from tpminstitute.mail.letters import SUBJECT_LIMIT, Letter, environment

_NAME_IN_SUBJECT = 60
_PREHEADER_LIMIT = 140
_FIELD_LIMIT = 500


def render_notice(
    *,
    name: str,
    email: str,
    phone_typed: str | None,
    phone_e164: str | None,
    topic: str,
    message: str,
    consent: bool,
    source: str,
    reference: str,
    staff_url: str,
    institute_name: str,
) -> Letter:
    """Make the notice of one inquiry.

    Parameters: `phone_typed` and `phone_e164`, as written and as understood; `source`, in words, where the
    visitor came from; `staff_url`, the contact in the staff area; the others as the form had them.
    Returns a letter whose text and HTML hold the message word for word; characters that hide or reorder
    others are written out, as in ⟨U+202E⟩. The subject holds the name on one line, without them.
    """
    sender = one_line(name, _NAME_IN_SUBJECT) or "a visitor"
    subject = one_line(f"New inquiry from {sender}: {topic}", SUBJECT_LIMIT)
    preheader = one_line(message, _PREHEADER_LIMIT)
    fields = {
        "Name": name,
        "E-mail": email,
        "Phone": _phone(phone_typed or "", phone_e164 or ""),
        "Topic": topic,
        "Follow-ups": "agreed to" if consent else "not agreed to",
        "Came from": source or "not known",
        "Reference": reference,
    }
    values = {
        "subject": subject,
        "preheader": preheader,
        "name": sender,
        "fields": {label: _field(value) for label, value in fields.items()},
        "message": visible(message),
        "staff_url": staff_url,
        "institute_name": institute_name,
    }
    text, html = (environment().get_template(f"notice.{form}").render(values) for form in ("txt", "html"))
    return Letter(subject, preheader, text, html)


def _phone(typed: str, e164: str) -> str:
    if not typed:
        return e164 or "not given"
    return typed if e164 in {"", typed} else f"{typed} ({e164})"


def _field(value: str) -> str:
    """Return `value` on one line, so that it can't pretend to be a field of its own."""
    return " ".join(visible(value[:_FIELD_LIMIT]).split())
