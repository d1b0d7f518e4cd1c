"""Slow down whoever guesses: growing waits, kept in the database, so that several web processes count together.

Nobody is locked out for good. What is tried on one account is counted by the account and the network together, by the
network, and by the account alone; the last doesn't count where its owner signed in from before, so that strangers
can't keep the owner out (compare the device cookies of OWASP's authentication cheat sheet).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.factor_models import KnownNetwork, Try
from tpminstitute.core import clock, tokens

FIRST_WAIT = timedelta(seconds=30)
FORGOTTEN_AFTER = timedelta(hours=24)
"""When nothing failed for so long, counting begins anew."""

KNOWN_FOR = timedelta(days=60)
"""How long a network is known after the last sign-in from it."""


@dataclass(frozen=True)
class Limit:
    """So many may fail; then each failure doubles the wait, up to the longest."""

    free: int
    longest: timedelta = timedelta(minutes=15)

    def wait(self, failed: int) -> timedelta:
        """Return how long to wait after that many failures."""
        over = failed - self.free
        if over <= 0:
            return timedelta(0)
        doublings: int = 2 ** min(over - 1, 20)
        return min(self.longest, FIRST_WAIT * doublings)


ON_BOTH = Limit(5)
"""For one account from one network."""

ON_ACCOUNT = Limit(20)
"""For one account from networks that it doesn't know."""

ON_NETWORK = Limit(50, timedelta(minutes=5))
"""For one network, whatever is tried there: an office shares one."""

RESETS = Limit(3, timedelta(hours=1))
"""Links to a new password for one address: the wait is never longer than the last link is good."""

RESETS_OF_NETWORK = Limit(15, timedelta(hours=1))

LINKS = Limit(20, timedelta(minutes=5))
"""Wrong links, by network."""


def network_of(address: str) -> str:
    """Return the network that an address is counted by: an IPv4 address itself, of IPv6 the /64 (RFC 6177)."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Network((found, 64), strict=False).network_address)
    return str(found.ipv4_mapped or found if isinstance(found, IPv6Address) else found)


def limits_on(what: str, name: str, network: str, *, known: bool) -> dict[str, Limit]:
    """Return what trying `what` on the account called `name` counts as; `known`, whether it knows the network."""
    limits = {f"{what}:{name}:{network}": ON_BOTH, f"{what}:network:{network}": ON_NETWORK}
    return limits if known else limits | {f"{what}:{name}": ON_ACCOUNT}


def begin(session: Session, limits: Mapping[str, Limit]) -> timedelta | None:
    """Count a try as failed before it is made, so that a hundred at once are a hundred; returns how long to wait.

    None says that it may be made now. What has to wait isn't counted and waits no longer for having been tried. The
    caller commits before anything slow, and says `succeeded` if it did.
    """
    now = clock.now()
    rows = {key: _locked(session, tokens.digest(key), now) for key in sorted(limits)}
    waits = [row.free_at - now for row in rows.values() if row.free_at > now]
    if waits:
        return max(waits)
    for key, row in rows.items():
        row.failed = 1 + (row.failed if row.last_at > now - FORGOTTEN_AFTER else 0)
        row.last_at, row.free_at = now, now + limits[key].wait(row.failed)
    return None


def succeeded(session: Session, limits: Mapping[str, Limit]) -> None:
    """Take back what `begin` counted. Waits that had to be waited stay behind: an own account resets nobody else's."""
    now = clock.now()
    for key in sorted(limits):
        session.execute(
            update(Try)
            .where(Try.key == tokens.digest(key), Try.failed > 0)
            .values(failed=0 if limits[key] is ON_BOTH else Try.failed - 1, free_at=now)
            .execution_options(synchronize_session=False)
        )


def knows(session: Session, account_id: int, network: str) -> bool:
    """Return whether an account signed in from a network lately."""
    seen = select(KnownNetwork.seen_at).where(KnownNetwork.account_id == account_id, KnownNetwork.network == network)
    last = session.scalar(seen)
    return last is not None and last > clock.now() - KNOWN_FOR


def learn(session: Session, account_id: int, network: str) -> None:
    """Note that the owner of an account came in from a network."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(
        insert(KnownNetwork)
        .values(account_id=account_id, network=network, seen_at=clock.now())
        .on_conflict_do_update(index_elements=["account_id", "network"], set_={"seen_at": clock.now()})
    )


def tidy_tries(session: Session) -> None:
    """Forget what failed so long ago that it doesn't count, and networks that aren't known any more."""
    now = clock.now()
    session.execute(delete(Try).where(Try.last_at < now - FORGOTTEN_AFTER))
    session.execute(delete(KnownNetwork).where(KnownNetwork.seen_at < now - KNOWN_FOR))


def in_words(wait: timedelta) -> str:
    """Return a wait as it is said: ``40 seconds``, ``2 minutes``; never shorter than it is."""
    seconds = max(-(-wait // timedelta(seconds=1)), 1)
    if seconds < 100:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"


def _locked(session: Session, key: str, now: datetime) -> Try:
    """Return the row of a key, made if it is missing, and ours until the transaction ends."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    made = insert(Try).values(key=key, failed=0, last_at=now, free_at=now)
    return session.scalars(
        made.on_conflict_do_update(index_elements=["key"], set_={"key": made.excluded.key}).returning(Try),
        execution_options={"populate_existing": True},
    ).one()
