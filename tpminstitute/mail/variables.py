"""Values that letters may speak of."""

from collections.abc import Mapping

from tpminstitute.core.text import first_name

NO_FIRST_NAME = "there"
"""Stands for a first name that can't safely be told, so that “Hello {first_name},” is never left with a hole."""

_ROLE = (
    "Understanding the Role of a Program Manager in Tech",
    "understanding-the-role-of-a-program-manager-in-tech",
)
_EDUCATION = ("Educational Background and Certifications", "educational-background-and-certifications")
_EXPERIENCE = ("Gaining Relevant Experience", "gaining-relevant-experience")
_SKILLS = ("Developing Essential Skills", "developing-essential-skills")
_CAREER = ("Building a Career Path", "building-a-career-path")
_CONCLUSION = ("Conclusion", "conclusion")

_ANY_PATHWAY = {
    "first_step": "the first step on your own pathway",
    "second_step": "the second step on your own pathway",
    "third_step": "the third step on your own pathway",
    "fitting_certification": "the one that your own pathway names",
}

CHAPTERS = {
    "follow-up-experience": _EXPERIENCE,
    "follow-up-certifications": _EDUCATION,
    "follow-up-skills": _SKILLS,
    "new-1-what-the-role-is": _ROLE,
    "new-2-the-degree-question": _EDUCATION,
    "new-3-watch-one-project": _EXPERIENCE,
    "new-4-somebody-to-ask": _EXPERIENCE,
    "new-5-choose-one-step": _CONCLUSION,
    "engineer-1-what-it-is-for": _ROLE,
    "engineer-2-say-it-without-the-how": _SKILLS,
    "engineer-3-who-would-be-surprised": _ROLE,
    "engineer-4-when-the-scope-changes": _EXPERIENCE,
    "engineer-5-let-others-solve-it": _SKILLS,
    "manager-1-where-projects-meet": _ROLE,
    "manager-2-draw-the-system": _EDUCATION,
    "manager-3-questions-for-engineers": _SKILLS,
    "manager-4-beyond-the-certificate": _EDUCATION,
    "manager-5-follow-one-technology": _CAREER,
}
"""The chapter of the guide that a follow-up is about, by the letter's key: its title and its anchor."""


def greeting(name: str) -> str:
    """Return how a letter begins: with a first name where `name` safely yields one, without where it doesn't."""
    return of_reader(name)["greeting"]


def of_reader(name: str) -> dict[str, str]:
    """Return the variables that speak of the reader, none of them empty, whatever was typed as `name`."""
    first = first_name(name)
    return {"greeting": f"Hello {first}," if first else "Hello,", "first_name": first or NO_FIRST_NAME}


def of_pathway(public_url: str, code: str, said: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that speak of the reader's own pathway (`drafts.OF_PATHWAY`).

    Parameters: `code`, its answers as its address has them, and `said`, what it names; where they are empty the
    variables hold words that fit any reader, and lead to the questions.
    """
    return {**_ANY_PATHWAY, **said, "pathway_url": f"{public_url}/pathway{'/' if code else ''}{code}"}


def of_guide(public_url: str, letter_key: str) -> dict[str, str]:
    """Return the variables that lead into the guide; those of a chapter where the letter is about one."""
    guide_url = f"{public_url}/"
    if letter_key not in CHAPTERS:
        return {"guide_url": guide_url}
    title, anchor = CHAPTERS[letter_key]
    return {"guide_url": guide_url, "chapter": title, "chapter_url": f"{guide_url}#{anchor}"}
