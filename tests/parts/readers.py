"""Sessions that only read are refused to change anything in the tests, whatever the database: PostgreSQL refuses it."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session


def refuse_readers_to_write() -> None:
    """Let a session of `Database.read` raise when it locks, changes or adds a row, on SQLite as on PostgreSQL."""
    event.listen(Session, "do_orm_execute", _look)
    event.listen(Session, "before_flush", _look_before_flush)


def _look(state: ORMExecuteState) -> None:
    locks = state.is_select and getattr(state.statement, "_for_update_arg", None) is not None
    changes = state.is_insert or state.is_update or state.is_delete
    if (locks or changes) and _only_reads(state.session):
        raise AssertionError(f"a session that only reads was asked to lock or change: {state.statement}")


def _look_before_flush(session: Session, *_: Any) -> None:
    if _only_reads(session) and (session.new or session.dirty or session.deleted):
        raise AssertionError("a session that only reads was asked to store what has changed")


def _only_reads(session: Session) -> bool:
    return bool(session.get_bind().get_execution_options().get("postgresql_readonly"))
