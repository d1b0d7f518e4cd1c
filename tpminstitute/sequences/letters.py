"""What stands in and around a follow-up's letter."""

from tpminstitute.core.config import Settings
from tpminstitute.mail import variables
from tpminstitute.mail.letters import Frame
from tpminstitute.sequences.pathways import BroughtPathway

REASON = "You get this because you wrote to us and agreed to a few e-mails about becoming a technical program manager."


def follow_up_frame(settings: Settings, unsubscribe_url: str, own_url: str) -> Frame:
    """Return what stands around every follow-up; `unsubscribe_url` and `own_url` are the reader's own."""
    return Frame(
        institute_name=settings.institute_name,
        institute_email=settings.institute_email,
        postal_address=settings.postal_address,
        reason=REASON,
        unsubscribe_url=unsubscribe_url,
        signature=settings.letter_signature,
        own_url=own_url,
    )


def follow_up_variables(
    settings: Settings, letter_key: str, name: str, topic: str, pathway: BroughtPathway | None
) -> dict[str, str]:
    """Return what a follow-up may speak of to the reader who is called `name`; `pathway` is theirs, if it is known."""
    known = pathway or BroughtPathway("", {})
    return {
        "topic": topic,
        **variables.of_reader(name),
        **variables.of_guide(settings.public_url, letter_key),
        **variables.of_pathway(settings.public_url, known.code, known.said),
    }
