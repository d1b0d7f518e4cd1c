"""What a person typed, as something a computer can compare: e-mail addresses and phone numbers."""

from collections.abc import Iterable
from dataclasses import dataclass

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from tpminstitute.core.errors import Refusal

HOME_REGION = "US"
"""The institute's own country, tried last for a phone number without one."""

FEWEST_PHONE_DIGITS = 5


class AddressError(Refusal):
    """An e-mail address or phone number can't be one."""


@dataclass(frozen=True)
class EmailAddress:
    """An address as mail is sent to (`address`) and as contacts are told apart by (`key`)."""

    address: str
    key: str


def read_email(typed: str) -> EmailAddress:
    """Read an e-mail address: any domain and script, plus signs kept (RFC 5321, 6531, 5891).

    Returns the address and its key: the domain in ASCII, all in lower case. Nothing is looked up on the network.
    Raises `AddressError` with a sentence for the person who typed it.
    """
    try:
        parts = validate_email(typed.strip(), check_deliverability=False, allow_smtputf8=True)
    except (EmailNotValidError, UnicodeError) as error:
        raise AddressError(
            "Check the e-mail address: it should look like name@example.org. " + _reason(error)
        ) from None
    return EmailAddress(parts.normalized, f"{parts.local_part.casefold()}@{parts.ascii_domain.lower()}")


def _reason(error: Exception) -> str:
    text = str(error) if isinstance(error, EmailNotValidError) else ""
    return text if len(text) <= 160 else ""


def read_phone(typed: str, regions: Iterable[str] = ()) -> str | None:
    """Read a phone number in any country's way of writing it.

    Parameters: `typed`, as the visitor wrote it; `regions`, the countries (ISO 3166 alpha-2) a number without a
    country code may belong to, most likely first; the institute's own is tried last.
    Returns the number in E.164 (ITU-T), or None when no country's rules make a whole number of it: it is kept as typed.
    Raises `AddressError` when there is no number in it at all.
    """
    if sum(character.isdigit() for character in typed) < FEWEST_PHONE_DIGITS:
        raise AddressError("Write the phone number with all its digits, or leave the field empty.")
    candidates = [(typed, region) for region in (*regions, HOME_REGION)]
    digits = "".join(c for c in typed if c.isdigit())
    if not typed.lstrip().startswith("+") and digits.startswith("00"):
        candidates.insert(0, (f"+{digits[2:]}", HOME_REGION))
    for text, region in candidates:
        number = _parsed(text, region)
        if number is not None:
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None
