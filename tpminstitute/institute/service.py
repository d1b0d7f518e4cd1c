"""What administrators change at the desk, laid over what the operator set in the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.core.institute_settings import InstituteSettings
from tpminstitute.institute.models import DeskVersion, SavedSetting
from tpminstitute.institute.words import LABELS, in_words

log = structlog.get_logger(__name__)

CHANGEABLE = tuple(InstituteSettings.model_fields)
"""The names of the settings that may be changed at the desk."""


@dataclass(frozen=True)
class Setting:
    """One setting as the desk shows it.

    `value` holds now; `by_operator` is what the environment says; `changed` whether the desk says otherwise, `number`
    how often it was saved (0 for never), `at` and `author` by whom last.
    """

    name: str
    value: Any
    by_operator: Any
    changed: bool
    number: int = 0
    at: datetime | None = None
    author: str = ""


class SettingProblem(Refusal):
    """Settings can't be kept as they were typed; `errors` has a sentence for each that has to be mended."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """Say all of `errors`, by the names of their settings."""
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


_VERSION = select(DeskVersion.number)
"""Made once: every page of the desk asks."""


def version(session: Session) -> int:
    """Return the number that every change of settings, topics and their like raises."""
    return session.scalar(_VERSION) or 0


def touch(session: Session) -> None:
    """Say that pages and mails are made of something else from this commit on; others who change it wait for it."""
    session.execute(update(DeskVersion).values(number=DeskVersion.number + 1))


def overlay(session: Session, settings: Settings) -> Settings:
    """Return the settings that hold: those of the environment with what administrators saved laid over them.

    A saved value that the rules forbid by now is left out, and the log says so.
    """
    saved = session.execute(select(SavedSetting.name, SavedSetting.value).where(SavedSetting.value.is_not(None))).all()
    values = {name: value for name, value in saved if name in CHANGEABLE}
    if not values:
        return settings
    try:
        return _laid_over(settings, values)
    except ValidationError:
        return _laid_over(settings, _still_allowed(settings, values))


def effective(db: Database, settings: Settings) -> Settings:
    """Return the settings that hold now, for a door that isn't asked by a browser."""
    with db.read() as session:
        return overlay(session, settings)


def effective_if_readable(db: Database, settings: Settings) -> Settings:
    """Return the settings that hold now, or the operator's where the database can't be read, which the doctor tells."""
    try:
        return effective(db, settings)
    except SQLAlchemyError as error:
        log.warning("settings_not_read", reason=str(getattr(error, "orig", error))[:200])
        return settings


def current(session: Session, settings: Settings) -> dict[str, Setting]:
    """Return every changeable setting by its name; `settings` are the environment's."""
    holds = overlay(session, settings)
    rows = session.execute(
        select(SavedSetting, Account.name).join(Account, Account.id == SavedSetting.account_id)
    ).all()
    saved = {row.name: (row, author) for row, author in rows}
    found = {}
    for name in CHANGEABLE:
        value, by_operator = getattr(holds, name), getattr(settings, name)
        if name in saved:
            row, author = saved[name]
            found[name] = Setting(name, value, by_operator, row.value is not None, row.number, row.at, author)
        else:
            found[name] = Setting(name, value, by_operator, False)
    return found


def save(
    session: Session, settings: Settings, typed: Mapping[str, Any], shown: Mapping[str, int], account_id: int
) -> list[str]:
    """Keep what was typed of some settings, all of them or none.

    Parameters: `settings`, the environment's; `typed`, texts or values by name; `shown`, the numbers that the page
    was shown with.
    Returns the names of those that changed. Raises `SettingProblem` for a value that can't be, and where somebody
    else saved another one since the page was shown.
    """
    touch(session)
    before = current(session, settings)
    read = _read(before, typed)
    changed = [name for name in typed if read[name] != before[name].value]
    stale = {name: _stale(before[name]) for name in changed if shown.get(name, 0) != before[name].number}
    if stale:
        raise SettingProblem(stale)
    for name in changed:
        _keep(session, before[name], read[name], account_id)
        told = f"{LABELS[name]}: {in_words(name, before[name].value)} to {in_words(name, read[name])}"
        record_audit(session, "setting_changed", told, account_id=account_id)
    return changed


def reset(session: Session, settings: Settings, name: str, shown: int, account_id: int) -> None:
    """Let a setting be as the operator set it.

    Raises `Refusal` when it is so already, and when it was saved since the page was shown.
    """
    touch(session)
    before = current(session, settings).get(name)
    if before is None or not before.changed:
        raise Refusal("It is as the operator set it already. Nothing was changed.")
    if before.number != shown:
        raise Refusal(_stale(before))
    others = {other: setting.value for other, setting in current(session, settings).items() if other != name}
    try:
        InstituteSettings.model_validate({**others, name: before.by_operator})
    except ValidationError as problem:
        raise Refusal(_sentence(problem.errors()[0]) + " Nothing was changed.") from None
    _keep(session, before, None, account_id)
    told = f"{LABELS[name]}: {in_words(name, before.value)} to the operator's {in_words(name, before.by_operator)}"
    record_audit(session, "setting_changed", told, account_id=account_id)


def saved_value(session: Session, name: str) -> tuple[Any, int]:
    """Return what was saved under `name`, None for nothing, and how often it was."""
    row = session.execute(
        select(SavedSetting.value, SavedSetting.number).where(SavedSetting.name == name)
    ).one_or_none()
    return (None, 0) if row is None else (row.value, row.number)


def keep_value(session: Session, name: str, value: Any, account_id: int) -> None:
    """Keep a value in JSON's types under `name`, None for none; the caller has looked at its number."""
    row = session.get(SavedSetting, name, populate_existing=True)
    if row is None:
        session.add(SavedSetting(name=name, value=value, number=1, at=clock.now(), account_id=account_id))
    else:
        row.value, row.number, row.at, row.account_id = value, row.number + 1, clock.now(), account_id
    session.flush()


def _keep(session: Session, before: Setting, value: Any, account_id: int) -> None:
    """Keep a value; None, or one that only repeats the operator's, is the operator's from now on."""
    in_json = None if value is None or value == before.by_operator else _plain(before.name, value)
    keep_value(session, before.name, in_json, account_id)


def _plain(name: str, value: Any) -> Any:
    return InstituteSettings.model_construct(**{name: value}).model_dump(mode="json", include={name})[name]


def _laid_over(settings: Settings, values: dict[str, Any]) -> Settings:
    operators = {name: getattr(settings, name) for name in CHANGEABLE}
    checked = InstituteSettings.model_validate(operators | values)
    return settings.model_copy(update={name: getattr(checked, name) for name in values})


def _still_allowed(settings: Settings, values: dict[str, Any]) -> dict[str, Any]:
    """Return those of the saved values that can hold together, in the order of the settings."""
    allowed: dict[str, Any] = {}
    for name in CHANGEABLE:
        if name not in values:
            continue
        try:
            _laid_over(settings, {**allowed, name: values[name]})
        except ValidationError as problem:
            log.warning("saved_setting_left_out", setting=name, reason=_sentence(problem.errors()[0]))
        else:
            allowed[name] = values[name]
    return allowed


def _read(before: Mapping[str, Setting], typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed as values; raises `SettingProblem` with a sentence for each that can't be."""
    values = {name: setting.value for name, setting in before.items()} | dict(typed)
    try:
        checked = InstituteSettings.model_validate(values)
    except ValidationError as problem:
        errors = {str((error["loc"] or ("promise_warn_hours",))[0]): _sentence(error) for error in problem.errors()}
        raise SettingProblem(errors) from None
    return {name: getattr(checked, name) for name in CHANGEABLE}


def _sentence(error: Any) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    for name in ("promise_warn_hours", "promise_working_hours"):
        text = text.replace(name.upper(), LABELS[name].lower())
    return f"{text[0].upper()}{text[1:]}."


def _stale(setting: Setting) -> str:
    value = in_words(setting.name, setting.value)
    return (
        f"{setting.author} saved {value} while you were writing. Yours was not saved and is still here: "
        "save again to put it in its place."
    )
