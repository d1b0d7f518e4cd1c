"""What is looked after by itself: promises at risk are announced, and working days begin with a digest."""

from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.today.digest import write_digests
from tpminstitute.today.promises import warn_of_promises


def look_ahead(db: Database, settings: Settings) -> None:
    """Announce the promises that are at risk, and write the digests of this morning."""
    warn_of_promises(db, settings)
    write_digests(db, settings)
