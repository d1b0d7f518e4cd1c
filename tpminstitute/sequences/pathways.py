"""The pathways that readers sent along, as follow-ups name them.

A pathway comes with an inquiry, and the inbox is a room above this one. So its tables are named here by what is read of
them, and nothing else of that room is known, as in `facts`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import JSON, Integer, String, bindparam, column, select, table
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class BroughtPathway:
    """A pathway that somebody sent along: its answers as its address has them, and what follow-ups may name of it."""

    code: str
    said: Mapping[str, str]


def brought_pathways(session: Session, contact_ids: Collection[int]) -> dict[int, BroughtPathway]:
    """Return the newest pathway of each of these contacts that sent one along; of spam and suspects none."""
    rows = session.execute(_PATHWAYS, {"contacts": list(contact_ids)})
    return {contact_id: BroughtPathway(code, said) for contact_id, code, said in rows}


_ALONG = table("brought_along", column("inquiry_id"), column("pathway", String), column("pathway_says", JSON))
_INQUIRIES = table("inquiries", column("id"), column("contact_id"), column("state"))
_PATHWAYS = (
    select(_INQUIRIES.c.contact_id, _ALONG.c.pathway, _ALONG.c.pathway_says)
    .join(_INQUIRIES, _INQUIRIES.c.id == _ALONG.c.inquiry_id)
    .where(
        _INQUIRIES.c.contact_id.in_(bindparam("contacts", type_=Integer, expanding=True)),
        _INQUIRIES.c.state.in_(("open", "handled")),
        _ALONG.c.pathway_says.is_not(None),
    )
    .order_by(_INQUIRIES.c.id)
)
