"""What of a contact can be imported and exported, and the names under which it stands in files of ours."""

from enum import StrEnum


class Field(StrEnum):
    """One thing about a contact; its value is its key in JSON."""

    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    EMAIL = "email"
    MORE_EMAIL = "more_email"
    PHONE = "phone"
    TOPIC = "topic"
    TAGS = "tags"
    STAGE = "stage"
    OWNER = "owner"
    NOTE = "notes"
    FIRST_SEEN = "first_seen"
    TIME_ZONE = "time_zone"
    BACKGROUND = "background"
    OPTED_OUT = "unsubscribed"
    CONSENT_AT = "consent_at"
    CONSENT_WORDING = "consent_wording"
    CONSENT_SOURCE = "consent_source"


LABELS = {
    Field.NAME: "Name",
    Field.FIRST_NAME: "First name",
    Field.LAST_NAME: "Last name",
    Field.EMAIL: "E-mail",
    Field.MORE_EMAIL: "Further e-mail",
    Field.PHONE: "Phone",
    Field.TOPIC: "Topic",
    Field.TAGS: "Tags",
    Field.STAGE: "Stage",
    Field.OWNER: "Owner",
    Field.NOTE: "Notes",
    Field.FIRST_SEEN: "First seen",
    Field.TIME_ZONE: "Time zone",
    Field.BACKGROUND: "Where they stand",
    Field.OPTED_OUT: "Unsubscribed",
    Field.CONSENT_AT: "Agreed on",
    Field.CONSENT_WORDING: "Agreed to these words",
    Field.CONSENT_SOURCE: "Agreed where",
}
"""The headings of our own CSV, and what a person chooses from when columns are given their meaning."""

EXPORTED = tuple(field for field in Field if field not in (Field.FIRST_NAME, Field.LAST_NAME))
"""What an export may hold: a name is kept whole."""

CONSENT = (Field.CONSENT_AT, Field.CONSENT_WORDING, Field.CONSENT_SOURCE)
"""A consent counts with all three of them."""
