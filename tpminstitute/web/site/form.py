"""The contact form, and the signed token that makes its repetitions one inquiry."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, EmailField, HiddenField, SelectField, StringField, TelField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import StopValidation, ValidationError

from tpminstitute.contacts.identity import AddressError, EmailAddress, read_email, read_phone
from tpminstitute.contacts.topics import Topics
from tpminstitute.core import clock, tokens
from tpminstitute.core.text import one_line, visible
from tpminstitute.core.tokens import BadToken, Signer

LONGEST_NAME = 200
LONGEST_EMAIL = 320
LONGEST_PHONE = 60
LONGEST_MESSAGE = 20_000


@lru_cache(maxsize=4)
def _signer(secret_key: str) -> Signer:
    return Signer(secret_key, "contact-form")


@dataclass(frozen=True)
class FormToken:
    """What a rendered form carries, signed: which form it is, when, where and in which words it was shown.

    It has no expiry: a page left open for a day still submits, and its age is only something screening may look at.
    """

    nonce: str
    made_at: datetime
    page: str
    referrer: str
    wording: str

    @classmethod
    def new(cls, page: str, referrer: str, wording: str) -> "FormToken":
        """Return the token of a form that is being shown now."""
        return cls(tokens.public_id(), clock.now(), page, referrer, wording)

    def sign(self, secret_key: str) -> str:
        """Return the token as the text of a hidden field."""
        value = [self.nonce, int(self.made_at.timestamp()), self.page, self.referrer, self.wording]
        return _signer(secret_key).sign(value)

    @classmethod
    def read(cls, text: str, secret_key: str) -> "FormToken":
        """Return the token behind `text`; raises `BadToken` when it isn't one of ours."""
        value = _signer(secret_key).read(text)
        try:
            nonce, made_at, page, referrer, wording = value
            return cls(nonce, datetime.fromtimestamp(made_at, UTC), page, referrer, wording)
        except (TypeError, ValueError) as error:
            raise BadToken("The token has another shape.") from error

    def form_key(self, form: "LetterForm") -> str:
        """Return the idempotency key of `form`: the same for a replay, another one for other words."""
        fields = [
            form.name.data,
            form.email.data,
            form.phone.data,
            form.topic.data,
            form.message.data,
            form.consent.data,
        ]
        return tokens.digest(json.dumps([self.nonce, *fields]))


class Text:
    """Checks one text field: there, short enough, storable, on one line where it is a line."""

    def __init__(self, missing: str, longest: int, *, one_line: bool = True, optional: bool = False) -> None:
        """Parameters: `missing`, what is said of an empty field; `longest`, in characters."""
        self.missing, self.longest, self.one_line, self.optional = missing, longest, one_line, optional
        self.field_flags: dict[str, Any] = (
            {"maxlength": longest} if optional else {"maxlength": longest, "required": True}
        )

    def __call__(self, form: FlaskForm, field: StringField) -> None:
        """Raise `StopValidation` for a text that can't be taken."""
        text = field.data or ""
        if not text.strip():
            raise StopValidation(None if self.optional else self.missing)
        if len(text) > self.longest:
            raise StopValidation(f"Shorten this to {self.longest:,} characters: it has {len(text):,}.")
        if "\x00" in text:
            raise StopValidation("Remove the invisible character with the number zero: it can't be stored.")
        if self.one_line and len(text.splitlines()) > 1:
            raise StopValidation("Write this on one line.")
        if self.one_line and not one_line(text, self.longest):
            raise StopValidation(self.missing or "Write this in letters that can be seen.")


def trimmed(text: str | None) -> str:
    """Return `text` without white space around it."""
    return (text or "").strip()


def unix_lines(text: str | None) -> str:
    """Undo what browsers do to line ends when they send a text area (HTML, 4.10.11)."""
    return (text or "").replace("\r\n", "\n").replace("\r", "\n")


class LetterForm(FlaskForm):
    """The letter to the institute. It needs no session: the token is signed and belongs to the page."""

    class Meta(FlaskForm.Meta):
        """No cookie, so no session-bound CSRF token: the signed token and the Origin check stand in for it."""

        csrf = False

    name = StringField(
        filters=[trimmed],
        validators=[Text("Write your name, so that we know whom to answer.", LONGEST_NAME)],
    )
    email = EmailField(
        filters=[trimmed],
        validators=[Text("Write your e-mail address: the answer goes there.", LONGEST_EMAIL)],
    )
    phone = TelField(filters=[trimmed], validators=[Text("", LONGEST_PHONE, optional=True)])
    topic = SelectField(choices=[], validate_choice=False)
    message = TextAreaField(
        filters=[unix_lines],
        validators=[Text("Write your message; a sentence is enough.", LONGEST_MESSAGE, one_line=False)],
    )
    consent = BooleanField()
    token = HiddenField()
    pathway = HiddenField()
    about = HiddenField()
    read = StringField()
    time_zone = HiddenField()
    subject = StringField()
    """The trap: people don't see it. No browser and no password manager knows a person's “subject”, and the attributes
    on the page ask them to keep off (1Password, LastPass, Bitwarden and Dashlane each read one of their own)."""
    spelled = HiddenField()
    """The domain that its writer was asked about and keeps."""

    address: EmailAddress
    phone_e164: str | None = None
    regions: Sequence[str] = ()
    offer: str | None = None
    ours: str = ""
    """What the page itself put into the message: the same from everybody, so it says nothing about who sends it."""

    def __init__(self, formdata: MultiDict[str, str] | None, *, topics: Topics) -> None:
        """Read `formdata`, None for an empty letter.

        One of `topics` that was archived since the page was opened is still taken, and shown again.
        """
        super().__init__(formdata=formdata)
        self._topics = topics
        chosen = [self.topic.data] if self.topic.data in topics else []
        shown = topics.offered_beside(chosen)
        headings = {choice.key: choice.heading or None for choice in topics.choices}
        self.topic.choices = [
            SelectChoice("", "Choose a topic"),
            *(SelectChoice(key, label, optgroup=headings[key]) for key, label in shown.items()),
        ]

    def validate_email(self, field: EmailField) -> None:
        """Read the address, in words that say what to mend."""
        try:
            self.address = read_email(field.data or "")
        except AddressError as problem:
            raise ValidationError(str(problem)) from None
        if visible(self.address.address) != self.address.address:
            raise ValidationError("Remove the invisible character from the e-mail address: no mail can be sent to it.")

    def validate_phone(self, field: TelField) -> None:
        """Read the number where one was written."""
        if not field.data:
            return
        try:
            self.phone_e164 = read_phone(field.data, self.regions)
        except AddressError as problem:
            raise ValidationError(str(problem)) from None

    def validate_topic(self, field: SelectField) -> None:
        """Take only topics of ours."""
        if field.data not in self._topics:
            raise ValidationError("Choose what it is about; “Something else” is fine.")
