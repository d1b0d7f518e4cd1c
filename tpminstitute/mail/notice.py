"""The institute's notice of an inquiry: what a stranger typed, shown as it is and unable to do anything."""

from collections.abc import Mapping
from types import MappingProxyType

from tpminstitute.core.text import one_line, visible
from tpminstitute.mail.letters import SIZE_LIMIT, SUBJECT_LIMIT, Letter, environment, weight

_NAME_IN_SUBJECT = 60
_PREHEADER_LIMIT = 140
_FIELD_LIMIT = 500
_EXCERPT = 6_000
"""Octets of a very long message that the HTML still shows; the text then gets all the room that is left."""

_MARKUP = {"\n": 2, "&": 5, "<": 4, ">": 4, '"': 5, "'": 5}
"""Octets that the HTML writes for these characters; the text does so for a line's end only."""

ANSWER = "An answer to this mail goes to the visitor."
NO_ANSWER = "An answer to this mail does not go to the visitor: not every mail server takes such an address."

CUT = "The message is longer than a mail should be, and this is its beginning. Open the contact to read all of it."
CUT_IN_HTML = "This is the beginning of a long message. Open the contact to read all of it."


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
    answerable: bool = True,
    owner: str = "",
    along: Mapping[str, str] = MappingProxyType({}),
) -> Letter:
    """Make the notice of one inquiry.

    Parameters: `phone_typed` and `phone_e164`, as written and as understood; `source`, in words, where the
    visitor came from; `staff_url`, the contact in the staff area; `answerable`, whether an answer to the mail goes to
    the visitor; `owner`, who looks after them, if anybody does; `along`, what they sent along, by its
    label; the others as the form had them.
    Returns a letter whose text and HTML hold the message word for word; characters that hide or reorder
    others are written out, as in ⟨U+202E⟩. The subject holds the name on one line, without them.
    A message that would make the mail larger than webmail shows is first cut in the HTML, and only when that isn't
    enough in the text as well; a sentence says so, and where the whole is.
    """
    fields = {
        "Name": name,
        "E-mail": email,
        "Phone": _phone(phone_typed or "", phone_e164 or ""),
        "Topic": topic,
        "Follow-ups": "agreed to" if consent else "not agreed to",
        "Came from": source or "not known",
        "Reference": reference,
    }
    fields |= {**along, **_looked_after(owner)}
    return _notice("New inquiry from", name, topic, fields, message, staff_url, institute_name, answerable)


def render_mail_notice(
    *,
    name: str,
    email: str,
    subject: str,
    message: str,
    doubt: str,
    staff_url: str,
    institute_name: str,
    answerable: bool,
    owner: str = "",
) -> Letter:
    """Make the notice of a mail by somebody who is known already.

    Parameters: `message`, what they newly wrote; `doubt`, why a person must look first, or ''; the others as in
    `render_notice`. Returns a letter made by the same rules.
    """
    fields = {"Name": name, "E-mail": email, "Subject": subject or "none"} | _looked_after(owner)
    if doubt:
        fields["Take care"] = doubt
    return _notice("Mail from", name, subject, fields, message, staff_url, institute_name, answerable)


def _notice(
    headline: str,
    name: str,
    topic: str,
    fields: Mapping[str, str],
    message: str,
    staff_url: str,
    institute_name: str,
    answerable: bool,
) -> Letter:
    sender = one_line(name, _NAME_IN_SUBJECT) or "a visitor"
    subject = one_line(f"{headline} {sender}: {topic}", SUBJECT_LIMIT)
    preheader = one_line(message, _PREHEADER_LIMIT) or one_line(topic, _PREHEADER_LIMIT) or headline
    shown = visible(message)
    values = {
        "subject": subject,
        "preheader": preheader,
        "name": sender,
        "fields": {label: _field(value) for label, value in fields.items()},
        "staff_url": staff_url,
        "institute_name": institute_name,
        "answer": ANSWER if answerable else NO_ANSWER,
    }
    text, html = (_form(form, values, shown) for form in ("txt", "html"))
    if weight(text, html) > SIZE_LIMIT:
        html = _form("html", values, _beginning(shown, _EXCERPT, escaped=True), CUT_IN_HTML)
    if weight(text, html) > SIZE_LIMIT:
        frame = _form("txt", values, "", CUT)
        room = (SIZE_LIMIT - weight(html)) // 78 * 57 - len(frame.encode()) - frame.count("\n")
        text = _form("txt", values, _beginning(shown, room), CUT)
    return Letter(subject, preheader, text, html)


def _looked_after(owner: str) -> dict[str, str]:
    return {"Advisor": owner} if owner else {}


def _form(form: str, values: Mapping[str, object], message: str, cut: str = "") -> str:
    return environment().get_template(f"notice.{form}").render(values, message=message, cut=cut)


def _beginning(text: str, octets: int, *, escaped: bool = False) -> str:
    """Return as much of the beginning of `text` as fits into `octets` of UTF-8, as HTML writes it if `escaped`."""
    for at, char in enumerate(text):
        octets -= _MARKUP[char] if char == "\n" or (escaped and char in _MARKUP) else len(char.encode())
        if octets < 0:
            return text[:at]
    return text


def _phone(typed: str, e164: str) -> str:
    if not typed:
        return e164 or "not given"
    return typed if e164 in {"", typed} else f"{typed} ({e164})"


def _field(value: str) -> str:
    """Return `value` on one line, so that it can't pretend to be a field of its own."""
    return " ".join(visible(value[:_FIELD_LIMIT]).split())[:_FIELD_LIMIT]
