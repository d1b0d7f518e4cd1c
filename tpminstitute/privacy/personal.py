"""What is personal in each table that belongs to a contact, and what stays of it so that counts remain true.

The tables are found by the schema's foreign keys; a test fails for a column that can hold words or bytes and isn't
named here.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import JSON, Column, Enum, LargeBinary, String, Table

from tpminstitute.contacts.models import Contact
from tpminstitute.core.belonging import Belonging, belongings

ERASED = "Erased."
NAME = "(erased)"
"""In brackets, so that no letter and no page greets by it (`core.text.first_name`)."""

ADDRESS = "erased@invalid"


def _said(text: str) -> str:
    """Return what stands for a text that must not become empty if it wasn't."""
    return ERASED if text else ""


def _host(referrer: str) -> str:
    """Return the site that somebody came from, without the page: reports count by it."""
    parts = urlsplit(referrer)
    return f"{parts.scheme}://{parts.hostname}/" if parts.hostname else ""


def _page(address: str) -> str:
    """Return a page of ours without what was asked of it."""
    return address.partition("?")[0]


GONE = frozenset(
    (
        "address_wishes",
        "brought_along",
        "bulk_changes",
        "contact_addresses",
        "contact_cards",
        "contact_tags",
        "conversations",
        "course_waits",
        "desk_replies",
        "duplicate_pairs",
        "follow_up_wishes",
        "import_rows",
        "likeness_keys",
        "merged_rows",
        "notes",
        "presences",
        "promise_warnings",
        "published_answers",
        "received_attachments",
        "received_contents",
        "reminders",
        "removed_notes",
        "reply_drafts",
        "uncompared_contacts",
        "voided_links",
    )
)
"""Tables whose rows are deleted: nothing is counted by them."""

Instead = str | bytes | list[Any] | None | Callable[[str], str]

BLANKED: Mapping[str, Mapping[str, Instead]] = {
    "activities": {"sentence": ERASED},
    "consents": {"source": ERASED},
    "delivery_events": {"text": ""},
    "enrollments": {"reason": _said},
    "follow_up_drafts": {"subject": ERASED, "preheader": "", "body": ERASED, "reason": ERASED},
    "inquiries": {
        "name": NAME,
        "email": ADDRESS,
        "phone_typed": "",
        "phone_e164": None,
        "message": ERASED,
        "suspicions": [],
        "source_page": _page,
        "source_referrer": _host,
    },
    "lead_endings": {"note": ""},
    "link_clicks": {"url": "erased"},
    "messages": {
        "recipient": ADDRESS,
        "recipient_key": ADDRESS,
        "recipient_domain": "invalid",
        "subject": "Erased",
        "content": b"",
        "reason": _said,
    },
    "received_mails": {
        "doubt": _said,
        "message_id": "",
        "refers_to": [],
        "sender_name": "",
        "sender_email": "",
        "recipients": [],
        "subject": "",
        "words": "",
        "text": "",
        "problems": [],
    },
    "step_records": {"sentence": ERASED},
}
"""What stands in a column afterwards: a value, or what is made of the old one."""

OF_THE_CONTACT: Mapping[str, Instead] = {
    "name": NAME,
    "email": ADDRESS,
    "phone_typed": "",
    "phone_e164": None,
    "time_zone": None,
    "topic": None,
}
"""The same of the contact's own row; `email_key` has to differ from shell to shell."""

BY_ADDRESS = ("address_wishes", "comment_writers", "import_problems", "import_rows", "suppressions", "writer_erasures")
"""Tables that know people by an address of theirs (`email_key`), whether they are contacts or not."""

KEPT: Mapping[str, frozenset[str]] = {
    "consents": frozenset(("wording_version", "wording")),
    "contacts": frozenset(("public_id", "email_key")),
    "enrollments": frozenset(("cause", "topic")),
    "erasures": frozenset(("counts",)),
    "inquiries": frozenset(("public_id", "form_key", "topic")),
    "lead_cards": frozenset(("topic",)),
    "lead_endings": frozenset(("course",)),
    "messages": frozenset(("cause", "dedupe_key", "message_id", "sender", "lease_token")),
    "received_mails": frozenset(("public_id", "fingerprint")),
}
"""Words that are the institute's own, or name a row and no person: what is counted by them stays countable."""


def of_contacts() -> list[Belonging]:
    """Return every table whose rows belong to a contact, owners before what they own."""
    contacts = Contact.__table__
    assert isinstance(contacts, Table)
    return belongings(contacts)


def can_hold_words(column: Column[Any]) -> bool:
    """Return whether a column can hold a person's words or bytes: a choice of ours, a number or a time can't."""
    return isinstance(column.type, String | LargeBinary | JSON) and not isinstance(column.type, Enum)
