"""The form of a comment, and the signed token that makes its repetitions one comment."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, EmailField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import ValidationError

from tpminstitute.comments.chapters import chapter_of, commented
from tpminstitute.comments.models import LONGEST_BODY, LONGEST_NAME
from tpminstitute.contacts.identity import AddressError, EmailAddress, read_email
from tpminstitute.core import clock, tokens
from tpminstitute.core.text import visible
from tpminstitute.core.tokens import BadToken, Signer
from tpminstitute.web.site.form import LONGEST_EMAIL, Text, trimmed, unix_lines

PURPOSE = "comment-form"


@dataclass(frozen=True)
class CommentToken:
    """What a rendered comment form carries, signed: which form it is, and when it was shown. It has no expiry."""

    nonce: str
    made_at: datetime

    @classmethod
    def new(cls) -> "CommentToken":
        """Return the token of a form that is being shown now."""
        return cls(tokens.public_id(), clock.now())

    def sign(self, secret_key: str) -> str:
        """Return the token as the text of a hidden field."""
        return Signer(secret_key, PURPOSE).sign([self.nonce, int(self.made_at.timestamp())])

    @classmethod
    def read(cls, text: str, secret_key: str) -> "CommentToken":
        """Return the token behind `text`; raises `BadToken` when it isn't one of ours."""
        value = Signer(secret_key, PURPOSE).read(text)
        try:
            nonce, made_at = value
            return cls(nonce, datetime.fromtimestamp(made_at, UTC))
        except (TypeError, ValueError) as error:
            raise BadToken("The token has another shape.") from error

    @property
    def age(self) -> timedelta:
        """How long ago the form was shown."""
        return clock.now() - self.made_at

    def form_key(self, form: "CommentForm") -> str:
        """Return the idempotency key of `form`: the same for a replay, another one for other words."""
        fields = [form.chapter.data, form.answers.data, form.name.data, form.email.data, form.body.data]
        return tokens.digest(json.dumps([self.nonce, *fields]))


class CommentForm(FlaskForm):
    """A comment on a chapter. It needs no session: the token is signed and belongs to the page."""

    class Meta(FlaskForm.Meta):
        """No cookie, so no session-bound CSRF token: the signed token and the Origin check stand in for it."""

        csrf = False

    chapter = SelectField(choices=[], validate_choice=False)
    name = StringField(
        filters=[trimmed],
        validators=[Text("Write a name: it stands beside your comment. A first name is enough.", LONGEST_NAME)],
    )
    email = EmailField(filters=[trimmed], validators=[Text("", LONGEST_EMAIL, optional=True)])
    body = TextAreaField(
        filters=[unix_lines],
        validators=[Text("Write your comment; a sentence is enough.", LONGEST_BODY, one_line=False)],
    )
    wants_answers = BooleanField()
    answers = HiddenField()
    token = HiddenField()
    subject = StringField()

    address: EmailAddress | None = None

    def __init__(self, formdata: MultiDict[str, str] | None) -> None:
        """Read `formdata`, None for an empty form."""
        super().__init__(formdata=formdata)
        self.chapter.choices = [("", "Choose a chapter"), *((one.slug, one.title) for one in commented())]

    def validate_chapter(self, field: SelectField) -> None:
        """Take only chapters of ours."""
        if chapter_of(field.data or "") is None:
            raise ValidationError("Choose the chapter that you comment on.")

    def validate_email(self, field: EmailField) -> None:
        """Read the address where one was written, in words that say what to mend."""
        if not field.data:
            return
        try:
            self.address = read_email(field.data)
        except AddressError as problem:
            raise ValidationError(str(problem)) from None
        if visible(self.address.address) != self.address.address:
            raise ValidationError("Remove the invisible character from the e-mail address: no mail can be sent to it.")

    def validate_wants_answers(self, field: BooleanField) -> None:
        """Ask for the address without which nobody can be told."""
        if field.data and not (self.email.data or "").strip():
            raise ValidationError("Write your e-mail address, so that we can tell you; or take the tick away.")


class OwnCommentForm(FlaskForm):
    """A comment that its writer changes: its address is the secret."""

    class Meta(FlaskForm.Meta):
        """As the comment's form."""

        csrf = False

    name = CommentForm.name
    body = CommentForm.body
