"""What several parts of a page look up, and a page that only reads looks up once."""

from collections.abc import Sequence

from flask import g, request

from tpminstitute.accounts.colleagues import colleagues
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import by_public_id
from tpminstitute.web.common import session


def contact_at(public_id: str) -> Contact | None:
    """Return the contact of an address, as `by_public_id` does."""
    looked: dict[str, Contact | None] = g.setdefault("contacts_at", {})
    if public_id not in looked or request.method == "POST":
        looked[public_id] = by_public_id(session(), public_id)
    return looked[public_id]


def who_may_act() -> Sequence[Account]:
    """Return the accounts that may act, by name."""
    if "who_may_act" not in g or request.method == "POST":
        g.who_may_act = colleagues(session())
    found: Sequence[Account] = g.who_may_act
    return found
