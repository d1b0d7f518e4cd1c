"""Whether something happened with contacts since an import added them, and removing those without a history."""

from collections.abc import Sequence

from sqlalchemy import ColumnClause, Integer, column, delete, inspect, select, table
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Consent, Contact, ContactAddress, ContactTag, Note
from tpminstitute.core.bulk import one_of
from tpminstitute.core.db import Base
from tpminstitute.exchange.models import Import, ImportRow, ImportState, RowOutcome
from tpminstitute.merging.ways import WAYS, Way, contact_columns
from tpminstitute.pipeline.models import Lead
from tpminstitute.timeline.models import Activity, ActivityKind

WRITTEN_BY_IMPORTS: tuple[type[Base], ...] = (Activity, ContactTag, Note, Lead, Consent, ContactAddress)
"""What an import writes about somebody it adds. Whoever adds to it leaves a fact on the timeline."""

_OWN_FACTS = (ActivityKind.CONTACT_IMPORTED, ActivityKind.IMPORT_REVERTED)


def with_history(session: Session, import_id: int, contact_ids: Sequence[int]) -> set[int]:
    """Return those of the contacts that an import added with whom anything happened since: a fact on their timeline, a
    change of who they are, a row of any other table that speaks of them, another import that changed them.
    """
    if not contact_ids:
        return set()
    facts = select(Activity.contact_id).where(
        one_of(session, Activity.contact_id, contact_ids), Activity.kind.not_in(_OWN_FACTS)
    )
    changed = select(Contact.id).where(one_of(session, Contact.id, contact_ids), Contact.number > 1)
    others = (
        select(ImportRow.contact_id)
        .join(Import, Import.id == ImportRow.import_id)
        .where(
            one_of(session, ImportRow.contact_id, contact_ids),
            ImportRow.import_id != import_id,
            ImportRow.outcome == RowOutcome.CHANGED,
            Import.state != ImportState.REVERTED,
        )
    )
    found = {contact_id for query in (facts, changed, others) for contact_id in session.scalars(query) if contact_id}
    for of_contact in _others_that_refer_to_contacts(session):
        found |= set(session.scalars(select(of_contact).where(one_of(session, of_contact, contact_ids)).distinct()))
    return found


def remove(session: Session, contact_ids: Sequence[int]) -> None:
    """Remove contacts without a history, with all that their import wrote."""
    if not contact_ids:
        return
    connection = session.connection()
    for column_of_card in contact_columns(Way.MADE_ANEW):  # first, so that no trigger keeps what is about to go
        connection.execute(delete(column_of_card.table).where(one_of(session, column_of_card, contact_ids)))
    for model in WRITTEN_BY_IMPORTS:
        of_contact = model.__table__.c.contact_id
        connection.execute(delete(model.__table__).where(one_of(session, of_contact, contact_ids)))  # type: ignore[arg-type]
    connection.execute(delete(Contact.__table__).where(one_of(session, Contact.__table__.c.id, contact_ids)))  # type: ignore[arg-type]


def _others_that_refer_to_contacts(session: Session) -> list[ColumnClause[int]]:
    """Return the columns of all other tables that refer to a contact, as the database knows them.

    What is made anew from other rows holds nothing of its own and doesn't count.
    """
    own = {model.__tablename__ for model in WRITTEN_BY_IMPORTS} | {ImportRow.__tablename__}
    own |= {name for name, way in WAYS.items() if way is Way.MADE_ANEW}
    keys = inspect(session.connection()).get_multi_foreign_keys()
    return [
        table(name, column(key["constrained_columns"][0], Integer)).c[key["constrained_columns"][0]]
        for (_, name), of_table in keys.items()
        for key in of_table
        if key["referred_table"] == "contacts" and name not in own
    ]
