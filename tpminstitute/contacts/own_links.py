"""The link of a person to what is held about them: it stands in every mail to them, signed and dated.

When it was made stands in the link itself, so a mail costs no look at the database; what voids it
is looked up when it is opened (`own_page.links`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.tokens import BadToken, Signer

_PURPOSE = "me"


@dataclass(frozen=True)
class OwnLink:
    """Whose link it is, when it was made, and whether its owner asked for it; the others stand in any mail."""

    public_id: str
    made_at: datetime
    asked_for: bool


def own_url(settings: Settings, public_id: str, *, asked_for: bool = False) -> str:
    """Return the address, made now, at which a contact sees what is held about them.

    Parameters: `asked_for`, whether they asked for it; then it opens everything for a while.
    """
    made_at = int(this_millisecond().timestamp() * 1000)
    token = Signer(settings.secret_key, _PURPOSE).sign([public_id, made_at, int(asked_for)])
    return f"{own_form(settings)}/{token}"


def this_millisecond() -> datetime:
    """Return the moment that a link made now carries, which counts in milliseconds."""
    now = clock.now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def own_form(settings: Settings) -> str:
    """Return the address of the form that mails such a link; for mails to who is no contact, and for previews."""
    return f"{settings.public_url}/me"


def read_own_link(settings: Settings, token: str) -> OwnLink | None:
    """Return what a token of such a link says, or None for any other token."""
    try:
        public_id, made_at, asked_for = Signer(settings.secret_key, _PURPOSE).read(token)
        return OwnLink(str(public_id), datetime.fromtimestamp(made_at / 1000, UTC), asked_for == 1)
    except (BadToken, TypeError, ValueError, OverflowError, OSError):
        return None
