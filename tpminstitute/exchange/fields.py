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
    CAME_BY = "came_by"
    CONSENT = "consent"
    TURN = "turn"
    FOLLOW_UPS = "follow_ups"
    LAST_TOUCH = "last_touch"


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
    Field.CAME_BY: "Came by",
    Field.CONSENT: "Consent",
    Field.TURN: "Whose turn",
    Field.FOLLOW_UPS: "Follow-ups",
    Field.LAST_TOUCH: "Last touch",
}
"""The headings of our own CSV, and what a person chooses from when columns are given their meaning."""

ONLY_SHOWN = (Field.CAME_BY, Field.CONSENT, Field.TURN, Field.FOLLOW_UPS, Field.LAST_TOUCH)
"""What lists show of a contact and follows from the rest: an export may hold it, and an import passes it over."""

IMPORTED = tuple(field for field in Field if field not in ONLY_SHOWN)
"""What a column may be."""

EXPORTED = tuple(field for field in IMPORTED if field not in (Field.FIRST_NAME, Field.LAST_NAME))
"""What an export holds so that it imports back without loss: a name is kept whole."""

OFFERED = (*EXPORTED, *ONLY_SHOWN)
"""What an export may hold."""

CONSENT_FIELDS = (Field.CONSENT_AT, Field.CONSENT_WORDING, Field.CONSENT_SOURCE)
"""A consent counts with all three of them."""
