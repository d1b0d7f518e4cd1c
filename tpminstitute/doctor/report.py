"""The doctor's findings as a terminal and as tools read them."""

import json
from textwrap import indent

from tpminstitute.doctor.findings import Finding, Outcome, summary

SUBJECT_WIDTH = 12
OUTCOME_WIDTH = max(len(outcome) for outcome in Outcome) + 1


def as_text(findings: list[Finding]) -> str:
    """Return a line for each finding, what to do under it, and a summary."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.outcome:{OUTCOME_WIDTH}} {finding.subject:{SUBJECT_WIDTH}} {finding.says}")
        if finding.do:
            lines.append(indent(f"→ {finding.do}", " " * (OUTCOME_WIDTH + SUBJECT_WIDTH + 2)))
    return "\n".join([*lines, "", summary(findings)])


def for_tools(findings: list[Finding]) -> str:
    """Return the findings as one JSON object: `healthy`, `summary`, and `findings` with what each line says."""
    listed = [{"subject": f.subject, "outcome": f.outcome.value, "says": f.says, "do": f.do} for f in findings]
    healthy = not any(finding.asks_for_someone for finding in findings)
    return json.dumps(
        {"healthy": healthy, "summary": summary(findings), "findings": listed}, ensure_ascii=False, indent=2
    )
