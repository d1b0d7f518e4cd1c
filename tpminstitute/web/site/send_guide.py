"""Sending the guide by mail: a small form that becomes an inquiry like any other, in words that it shows."""

from flask import render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.contacts import consent
from tpminstitute.contacts.topics import Topic, Topics
from tpminstitute.inbox.letters import SEND_GUIDE
from tpminstitute.web.common import topics
from tpminstitute.web.site import site
from tpminstitute.web.site.along import along_of, guide
from tpminstitute.web.site.form import LetterForm
from tpminstitute.web.site.write import fresh_token, take_letter, topics_for


class SendGuideForm(LetterForm):
    """Asks for a name and an address only; what it is about and the message are ours."""

    def __init__(self, formdata: MultiDict[str, str] | None, *, topics: Topics) -> None:
        """Read `formdata`, None for an empty form."""
        super().__init__(formdata, topics=topics)
        self.topic.data = Topic.BECOMING_A_TPM.value
        self.message.data = self.ours = f"Please send me the guide “{guide().title}” to keep."


@site.get(SEND_GUIDE)
def send_guide() -> str:
    """Ask where the guide shall be sent."""
    form = SendGuideForm(None, topics=topics())
    form.token.data = fresh_token(SEND_GUIDE)
    return _page(form, None)


@site.post(SEND_GUIDE)
def ask_for_guide() -> BaseResponse | tuple[str, int]:
    """Take the wish as an inquiry, whose acknowledgement carries the links."""
    form = SendGuideForm(request.form, topics=topics_for(Topic.BECOMING_A_TPM.value))
    return take_letter(form, _page, along_of(form), SEND_GUIDE)


def _page(form: LetterForm, notice: str | None) -> str:
    return render_template(
        "site/send_guide.html", form=form, notice=notice, consent_wording=consent.CURRENT_WORDING.text
    )
