"""The pathway check's table as a web process keeps it, and what an address of a pathway brings along."""

from typing import cast

from flask import Flask, current_app

from tpminstitute.guide.chapters import Guide
from tpminstitute.inbox.along import Along
from tpminstitute.institute.kept import Kept
from tpminstitute.pathway.codes import decode
from tpminstitute.pathway.outcome import pathway_of
from tpminstitute.pathway.service import Current, current, shipped
from tpminstitute.pathway.table import Table
from tpminstitute.pathway.words import for_follow_ups, for_letter, for_staff


def add_pathway(app: Flask) -> None:
    """Let `app` keep the table; a shipped one that can't be used stops the start with its sentences."""
    service = app.extensions["tpm"]
    guide: Guide = service.guide
    app.extensions["tpm_pathway"] = Kept(service.db, Current(shipped(guide)), lambda session: current(session, guide))


def kept_table() -> Kept[Current]:
    """Return what this process keeps of the table."""
    return cast(Kept[Current], current_app.extensions["tpm_pathway"])


def table() -> Table:
    """Return the table that held a second ago at most."""
    return kept_table().lately().table


def along_of_pathway(code: str, mailed_from: str = "") -> Along:
    """Return what the pathway of `code` brings along to an inquiry; nothing for what is no pathway.

    Parameters: `mailed_from`, the public address of the site where the pathway is to be mailed to its reader.
    """
    holds = table()
    decoded = decode(holds, code)
    if decoded is None:
        return Along()
    pathway = pathway_of(holds, decoded.answers)
    return Along(
        pathway=code,
        pathway_words=for_staff(pathway),
        background=pathway.background,
        pathway_says=for_follow_ups(pathway),
        pathway_letter=for_letter(pathway, f"{mailed_from}/pathway/{code}") if mailed_from else None,
    )
