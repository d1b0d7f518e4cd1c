"""The rules by which things go by themselves: what each would take now, and since when it holds."""

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.accounts.models import Role
from tpminstitute.core.errors import Refusal
from tpminstitute.privacy.models import RuleKind
from tpminstitute.privacy.retention import Preview, newest_runs, preview, rules_of, set_rule
from tpminstitute.privacy.rules import RULES
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me, needs


@dataclass(frozen=True)
class RuleView:
    """One rule as its section shows it: what holds, what was typed, what that would take, and what went lately."""

    kind: RuleKind
    label: str
    says: str
    unit: str
    length: int | None
    typed: str
    problem: str
    preview: Preview | None


@staff.get("/settings/retention")
@needs(Role.ADMINISTRATOR)
def retention() -> str:
    """Show every rule; `?<rule>=` shows what it would take with another length, and keeps nothing."""
    return _page({kind: request.args[kind.value] for kind in RuleKind if kind.value in request.args})


@staff.post("/settings/retention")
@needs(Role.ADMINISTRATOR)
def set_retention() -> Response | tuple[str, int]:
    """Keep one rule's length (`rule`, `length`); an empty one turns it off."""
    kind = next((known for known in RuleKind if known.value == request.form.get("rule")), None)
    typed = request.form.get("length", "").strip()
    if kind is None:
        raise Refusal("There is no such rule. Nothing was changed.")
    try:
        set_rule(session(), kind, _number(kind, typed) if typed else None, me().id)
    except Refusal as refusal:
        return _page({kind: typed}, {kind: str(refusal)}), 422
    flash(f"{RULES[kind].label}: {'kept.' if typed else 'nothing goes by itself.'}", "success")
    return redirect(url_for("staff.retention"), 303)


def _page(typed: dict[RuleKind, str], problems: dict[RuleKind, str] | None = None) -> str:
    holds = rules_of(session())
    problems = dict(problems or {})
    views = []
    for kind, rule in RULES.items():
        length = holds[kind].length if kind in holds else None
        said = typed.get(kind, str(length or ""))
        shown = None
        try:
            shown = preview(session(), kind, _number(kind, said)) if said and kind not in problems else None
        except Refusal as refusal:
            problems[kind] = str(refusal)
        views.append(RuleView(kind, rule.label, rule.says, rule.unit, length, said, problems.get(kind, ""), shown))
    return render_template("staff/retention.html", rules=views, runs=newest_runs(session()), labels=RULES)


def _number(kind: RuleKind, typed: str) -> int:
    if typed.isascii() and typed.isdigit() and 0 < len(typed) < 5 and 1 <= int(typed) <= 3650:
        return int(typed)
    raise Refusal(f"Write a whole number of {RULES[kind].unit} from 1 to 3650, or leave it empty for never.")
