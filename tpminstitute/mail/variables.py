"""Values that letters may speak of."""

from tpminstitute.core.text import first_name

NO_FIRST_NAME = "there"
"""Stands for a first name that can't safely be told, so that “Hello {first_name},” is never left with a hole."""

CHAPTERS = {
    "follow-up-experience": ("Gaining Relevant Experience", "gaining-relevant-experience"),
    "follow-up-certifications": (
        "Educational Background and Certifications",
        "educational-background-and-certifications",
    ),
    "follow-up-skills": ("Developing Essential Skills", "developing-essential-skills"),
}
"""The chapter of the guide that a follow-up is about, by the letter's key: its title and its anchor."""


def greeting(name: str) -> str:
    """Return how a letter begins: with a first name where `name` safely yields one, without where it doesn't."""
    first = first_name(name)
    return f"Hello {first}," if first else "Hello,"


def of_reader(name: str) -> dict[str, str]:
    """Return the variables that speak of the reader, none of them empty, whatever was typed as `name`."""
    return {"greeting": greeting(name), "first_name": first_name(name) or NO_FIRST_NAME}


def of_guide(public_url: str, letter_key: str) -> dict[str, str]:
    """Return the variables that lead into the guide; those of a chapter where the letter is about one."""
    guide_url = f"{public_url}/"
    if letter_key not in CHAPTERS:
        return {"guide_url": guide_url}
    title, anchor = CHAPTERS[letter_key]
    return {"guide_url": guide_url, "chapter": title, "chapter_url": f"{guide_url}#{anchor}"}
