"""The lists of contacts, with every kind of filter and in every order, among a million."""

from tests.bench.watch import Desk, line

ADDRESSES = {
    "everybody": "view=all",
    "everybody, by name": "order=name",
    "one stage": "stage=2",
    "nobody looks after them": "owner=nobody",
    "three topics, oldest first": "topic=cal&topic=spc&topic=csm&order=oldest",
    "a frequent tag": "tag=newsletter",
    "a rare tag": "tag=press",
    "a tag that nobody has": "tag=nobody+has+it",
    "a tag that some 10,000 have": "tag=scholarship",
    "a tag that some 20,000 have, in one stage": "tag=veteran&stage=2",
    "two tags": "tag=newsletter&tag=webinar+spring",
    "three tags": "tag=newsletter&tag=webinar+spring&tag=veteran",
    "a frequent tag and a rare owner": "tag=newsletter&owner=2&stage=4&source=mail",
    "in a sequence now": "running=1",
    "ever in a sequence": "began=2&order=name",
    "never in a sequence": "never_began=1&consent=granted",
    "not touched for 90 days": "quiet=90&turn=institute",
    "first seen in a week": "seen_from=2025-03-03&seen_until=2025-03-09&order=name",
    "four filters, few are meant": "stage=3&owner=2&topic=cal&consent=withdrawn",
    "five filters, nobody is meant": "stage=3&owner=2&topic=cal&source=import&consent=granted",
    "an owner who has nobody": "owner=999999",
    "imported and agreed (nobody is both)": "source=import&consent=granted&tag=newsletter",
    "set apart": "apart=yes",
}

DEEP = "view=all&order=name&after=1-m"


def lists(desk: Desk) -> None:
    """Print what each list takes, and all of them together."""
    assert "Further down" in desk.client.get(f"/staff/contacts?{DEEP}").text
    every: list[float] = []
    for what, address in {**ADDRESSES, "a page in the middle": DEEP}.items():
        every += desk.told(what, [f"/staff/contacts?{address}"])
    print(line("all lists of contacts together", every), flush=True)
