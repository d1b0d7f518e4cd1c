"""A pathway in words: for staff in a few lines, and for the letter that mails it to its reader."""

from collections.abc import Iterable

from tpminstitute.pathway.outcome import Pathway
from tpminstitute.pathway.table import Rule

_STEPS = ("first", "second", "third")


def for_staff(pathway: Pathway) -> str:
    """Return what the check said, as staff read it: where they stand, what comes next, what they have."""
    parts = {
        "Stands": pathway.here.label,
        "Next": "; ".join(f"{at}. {rule.label}" for at, rule in enumerate(pathway.steps, start=1)),
        "Has": _labels([*pathway.behind, *pathway.have]),
        "Fits": _labels(pathway.fits),
        "Not yet": _labels(pathway.not_yet),
        "To work on": _labels(pathway.skills),
    }
    return " · ".join(f"{name}: {words}" for name, words in parts.items() if words)


def for_letter(pathway: Pathway, address: str) -> dict[str, str]:
    """Return the variables of the letter that mails a pathway (`mail.drafts.PATHWAY`), none of them empty.

    Parameters: `address`, the whole address of the pathway's page.
    """
    told = {
        "standing": pathway.here.label,
        "standing_why": pathway.here.why,
        "behind": _labels([*pathway.behind, *pathway.have]) or "nothing that your answers name",
        "certifications": _certifications(pathway),
        "skills": _labels(pathway.skills) or "none that your answers name",
        "pathway_url": address,
    }
    for name, rule in zip(_STEPS, pathway.steps, strict=True):
        told |= {f"{name}_step": rule.label, f"{name}_why": rule.why, f"{name}_words": rule.quote}
    return told


def for_follow_ups(pathway: Pathway) -> dict[str, str]:
    """Return what follow-ups may name of a pathway, none of it empty."""
    told = {f"{name}_step": rule.label for name, rule in zip(_STEPS, pathway.steps, strict=True)}
    return {**told, "fitting_certification": _labels(pathway.fits) or "none yet of those that our guide names"}


def _certifications(pathway: Pathway) -> str:
    said = [f"{rule.label} fits. {rule.why}" for rule in pathway.fits]
    said += [f"{rule.label}: not yet. {rule.why}" for rule in pathway.not_yet]
    return " ".join(said) or "your answers say nothing about those that you don’t hold."


def _labels(rules: Iterable[Rule]) -> str:
    return ", ".join(rule.label for rule in rules)
