"""The doctor's page: how the service stands, and what to do where it doesn't."""

from flask import render_template, request

from tpminstitute.doctor.examine import examine
from tpminstitute.doctor.findings import Outcome, summary, worst_first
from tpminstitute.web.common import database, settings
from tpminstitute.web.staff import staff

KINDS = {Outcome.WRONG: "red", Outcome.RISK: "amber", Outcome.UNKNOWN: "grey", Outcome.OK: "done"}


@staff.get("/doctor")
def doctor() -> str:
    """Show what can be told at once; `?look=1` asks the broker, the mail server and the world as well."""
    everything = request.args.get("look") == "1"
    findings = examine(settings(), database(), outside=everything)
    return render_template(
        "staff/doctor.html",
        findings=worst_first(findings),
        kinds=KINDS,
        summary=summary(findings),
        everything=everything,
    )
