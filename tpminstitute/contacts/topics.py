"""What people write to us about, and what the letters of a sequence are about."""

from enum import StrEnum


class Topic(StrEnum):
    """What an inquiry is about."""

    BECOMING_A_TPM = "becoming_a_tpm"
    CSM = "csm"
    PMP = "pmp"
    CAL = "cal"
    SPC = "spc"
    COURSES = "courses"
    OTHER = "other"


TOPIC_LABELS = {
    Topic.BECOMING_A_TPM: "Becoming a technical program manager",
    Topic.CSM: "Certified Scrum Master (CSM)",
    Topic.PMP: "Project Management Professional (PMP)",
    Topic.CAL: "Certified Agile Leadership (CAL)",
    Topic.SPC: "SAFe Program Consultant (SPC)",
    Topic.COURSES: "Courses",
    Topic.OTHER: "Something else",
}


def topic_of_label(label: str) -> Topic:
    """Return the topic that people read as `label`; words that are none of ours are about something else."""
    return next((topic for topic, words in TOPIC_LABELS.items() if words == label), Topic.OTHER)
