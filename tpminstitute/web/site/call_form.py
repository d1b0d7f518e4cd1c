"""The form that asks for a call: up to three days and times that suit, a phone number, and what it is about."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField, StringField, TelField, TextAreaField
from wtforms.validators import ValidationError

from tpminstitute.contacts.identity import AddressError, read_phone
from tpminstitute.core import zones
from tpminstitute.web.site.form import LONGEST_PHONE, Text, trimmed, unix_lines

LONGEST_ABOUT = 2_000
LONGEST_TIME = 20
WISHES = ("first", "second", "third")


class CallForm(FlaskForm):
    """The wish for a call. It needs no session: the link in its address says who asks."""

    class Meta(FlaskForm.Meta):
        """No cookie, so no session-bound CSRF token: the link and the Origin check stand in for it."""

        csrf = False

    first_day = StringField(filters=[trimmed])
    first_time = StringField(filters=[trimmed])
    second_day = StringField(filters=[trimmed])
    second_time = StringField(filters=[trimmed])
    third_day = StringField(filters=[trimmed])
    third_time = StringField(filters=[trimmed])
    phone = TelField(filters=[trimmed], validators=[Text("Write the phone number that we are to call.", LONGEST_PHONE)])
    about = TextAreaField(
        filters=[unix_lines],
        validators=[Text("Write what it is about; a sentence is enough.", LONGEST_ABOUT, one_line=False)],
    )
    nonce = HiddenField()

    phone_e164: str | None = None

    def __init__(
        self, formdata: MultiDict[str, str] | None, *, zone: ZoneInfo, regions: Sequence[str] = (), phone: str = ""
    ) -> None:
        """Read `formdata`, None for an empty form.

        Parameters: `zone`, by whose clock the times are; `regions`, the countries that a number without a country code
        may belong to; `phone`, the number that an empty form begins with.
        """
        super().__init__(formdata=formdata, phone=phone)
        self._zone, self._regions = zone, regions
        self.moments: list[datetime] = []

    def rows(self) -> Iterator[tuple[str, StringField, StringField]]:
        """Yield which wish it is, its day and its time."""
        for which in WISHES:
            yield which, self[f"{which}_day"], self[f"{which}_time"]

    def validate_phone(self, field: TelField) -> None:
        """Read the number."""
        try:
            self.phone_e164 = read_phone(field.data or "", self._regions)
        except AddressError:
            raise ValidationError("Write the phone number with all its digits.") from None

    def validate_first_day(self, field: StringField) -> None:
        """Expect one time at least."""
        if not any(day.data or at.data for _, day, at in self.rows()):
            raise ValidationError("Write a day and a time that suits you; one is enough.")

    def validate(self, extra_validators: object = None) -> bool:
        """Check the fields, and read the moments that suit, in UTC."""
        valid: bool = super().validate(extra_validators)
        self.moments = []
        for _, day, at in self.rows():
            try:
                self.moments += [_moment(day, at, self._zone)] if day.data or at.data else []
            except _WrongTime as problem:
                problem.field.errors = [*problem.field.errors, str(problem)]
        return valid and not self.errors


class _WrongTime(Exception):
    """A day and a time that are no moment; `field` is the one to mend."""

    def __init__(self, field: StringField, problem: str) -> None:
        """Parameters: `problem`, what to do."""
        super().__init__(problem)
        self.field = field


def _moment(day: StringField, at: StringField, zone: ZoneInfo) -> datetime:
    if not day.data:
        raise _WrongTime(day, "Write the day as well, such as 2027-01-31.")
    if not at.data:
        raise _WrongTime(at, "Write the time as well, such as 10:30.")
    try:
        on = date.fromisoformat(day.data[:LONGEST_TIME])
    except ValueError:
        raise _WrongTime(day, "Write the day such as 2027-01-31.") from None
    try:
        shown = datetime.combine(on, time.fromisoformat(at.data[:LONGEST_TIME]).replace(tzinfo=None, microsecond=0))
        return zones.moment(zones.existing(shown, zone), zone)
    except (ValueError, OverflowError):
        raise _WrongTime(at, "Write the time such as 10:30.") from None
