"""The settings of the mail providers' webhooks; a provider without its own has no address here."""

import base64
import binascii
import re
from typing import TYPE_CHECKING, Self

from pydantic import field_validator, model_validator
from pydantic_settings import BaseSettings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

SHORTEST_SECRET = 20
"""Characters of a password or secret that stands in an address or a header."""

SECRET = re.compile(rf"[A-Za-z0-9_-]{{{SHORTEST_SECRET},}}")
_TOPIC = re.compile(r"arn:aws(?:-cn|-us-gov)?:sns:[a-z]{2}(?:-[a-z]+)+-\d:\d{12}:[A-Za-z0-9_-]{1,256}")


class HookSettings(BaseSettings):
    """What each provider's webhooks are verified with."""

    postmark_webhook_password: str = ""
    mailgun_signing_key: str = ""
    ses_topic_arn: str = ""
    sendgrid_webhook_key: str = ""
    sendgrid_inbound_key: str = ""
    sendgrid_inbound_secret: str = ""

    @field_validator("postmark_webhook_password", "sendgrid_inbound_secret")
    @classmethod
    def _hard_to_guess(cls, secret: str) -> str:
        if secret and not SECRET.fullmatch(secret):
            raise ValueError(
                f"it stands in an address, so write {SHORTEST_SECRET} or more letters and digits; "
                "make it with: openssl rand -hex 24"
            )
        return secret

    @field_validator("ses_topic_arn")
    @classmethod
    def _topics(cls, arns: str) -> str:
        if any(not _TOPIC.fullmatch(arn) for arn in arns.split()):
            raise ValueError("write it as arn:aws:sns:eu-west-1:123456789012:topic; several with spaces between them")
        return arns

    @field_validator("sendgrid_webhook_key", "sendgrid_inbound_key")
    @classmethod
    def _readable_key(cls, key: str) -> str:
        if key:
            webhook_key(key)
        return key

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if bool(self.sendgrid_inbound_key) is not bool(self.sendgrid_inbound_secret):
            raise ValueError("SENDGRID_INBOUND_KEY and SENDGRID_INBOUND_SECRET are set together or not at all")
        return self


def webhook_key(text: str) -> "ec.EllipticCurvePublicKey":
    """Return a public key as SendGrid shows it: base64 of its DER form, with or without the lines of PEM.

    Raises `ValueError` with a sentence for what is no key on the curve P-256.
    """
    # Imported late: most processes have no key to read, and the scheduler stays small.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    bare = re.sub(r"-----[A-Z ]+-----|\s", "", text)
    try:
        key = load_der_public_key(base64.b64decode(bare, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("write the public key as SendGrid shows it; it begins with MFkw")
    return key
