"""A tag is renamed, merged and removed on every contact, with what would change told before."""

import pytest
from sqlalchemy import func, select

from tests.conftest import on_sqlite
from tests.factories import ADA, an_account, contact_of, submitted
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.contacts.models import ContactTag
from tpminstitute.contacts.tags import add_tag, tags_of
from tpminstitute.sequences import tag_editing
from tpminstitute.sequences.editing import save_version, versions_of
from tpminstitute.sequences.plan_checks import StepDraft
from tpminstitute.sequences.tag_editing import TagProblem
from tpminstitute.timeline.models import Activity, ActivityKind

BOB = "bob@example.org"


@pytest.fixture
def alice(db, settings):
    """Alice; Ada is tagged “csm” and “fair”, Bob “fair”."""
    submitted(db, settings)
    submitted(db, settings, email=BOB)
    with db.write() as session:
        account_id = an_account(session, "Alice", Role.ADMINISTRATOR).id
    for email, tag in ((ADA, "csm"), (ADA, "fair"), (BOB, "fair")):
        with db.write() as session:
            add_tag(session, contact_of(db, email).id, tag, account_id)
    return account_id


def tags(db, email=ADA):
    with db.read() as session:
        return list(tags_of(session, contact_of(db, email).id))


def told(db, email):
    with db.read() as session:
        of_contact = (Activity.contact_id == contact_of(db, email).id, Activity.kind == ActivityKind.TAGS_CHANGED)
        return session.scalars(select(Activity.sentence).where(*of_contact).order_by(Activity.id.desc())).first()


def test_a_tag_is_renamed_on_everybody_who_has_it(db, alice):
    with db.write() as session:
        assert tag_editing.rename_tag(session, "fair", " Met at a Fair ", alice) == 2
    assert (tags(db), tags(db, BOB)) == (["csm", "met at a fair"], ["met at a fair"])
    assert told(db, BOB) == "The tag “fair” became “met at a fair” everywhere."
    with db.read() as session:
        assert session.scalars(select(AuditEntry.subject)).all()[-1] == "“fair” to “met at a fair”, 2 contacts"


def test_merging_two_tags_leaves_each_contact_the_other_once(db, alice):
    with db.read() as session:
        seen = tag_editing.preview(session, "fair", "csm")
        assert (seen.contacts, seen.with_both, seen.other_contacts, seen.sequences) == (2, 1, 1, [])
    with db.write() as session:
        assert tag_editing.merge_tag(session, "fair", "csm", alice) == 2
    assert (tags(db), tags(db, BOB)) == (["csm"], ["csm"])


def test_a_tag_is_removed_everywhere(db, alice):
    with db.write() as session:
        assert tag_editing.remove_tag_everywhere(session, "fair", alice) == 2
    assert (tags(db), tags(db, BOB)) == (["csm"], [])


@pytest.mark.parametrize(
    ("change", "to", "sentence"),
    [
        (tag_editing.rename_tag, "csm", "Merge the two"),
        (tag_editing.rename_tag, "FAIR", "called “fair” already"),
        (tag_editing.merge_tag, "new words", "No contact has"),
    ],
    ids=["renamed to one in use", "renamed to itself", "merged into one that is not there"],
)
@on_sqlite
def test_what_cannot_be_done_with_a_tag_is_said(db, alice, change, to, sentence):
    with pytest.raises(TagProblem, match=sentence), db.write() as session:
        change(session, "fair", to, alice)


@on_sqlite
def test_a_tag_that_follow_ups_look_for_stays(db, alice):
    with db.write() as session:
        newest = versions_of(session, 1)[0]
        first, *others = newest.steps
        first = StepDraft(**(vars(first) | {"conditions": ({"kind": "not_tagged", "tag": "Fair"},)}))
        save_version(session, 1, newest.number, [first, *others], alice)
    for change in (
        lambda session: tag_editing.rename_tag(session, "fair", "met", alice),
        lambda session: tag_editing.remove_tag_everywhere(session, "fair", alice),
    ):
        with pytest.raises(TagProblem, match="look for the tag “fair”"), db.write() as session:
            change(session)
    assert tags(db, BOB) == ["fair"]


@on_sqlite
def test_a_tag_that_is_gone_meanwhile_is_said_to_be(db, alice):
    with db.write() as session:
        tag_editing.remove_tag_everywhere(session, "fair", alice)
    with pytest.raises(TagProblem, match="any more"), db.write() as session:
        tag_editing.remove_tag_everywhere(session, "fair", alice)


def test_a_field_offers_each_tag_once_by_the_alphabet_and_no_more_than_it_can_show(db, alice, monkeypatch):
    with db.read() as session:
        assert list(tag_editing.known_tags(session)) == ["csm", "fair"]
        monkeypatch.setattr(tag_editing, "OFFERED", 1)
        assert list(tag_editing.known_tags(session)) == ["csm"]


def test_tags_are_listed_by_the_alphabet_and_by_pages(db, alice, monkeypatch):
    monkeypatch.setattr(tag_editing, "PAGE", 1)
    with db.read() as session:
        first, last = tag_editing.tags_after(session)
        second, end = tag_editing.tags_after(session, last or "")
        assert session.scalar(select(func.count(ContactTag.tag.distinct()))) == 2
    assert [(use.tag, use.contacts) for use in (*first, *second)] == [("csm", 1), ("fair", 2)]
    assert (last, end) == ("csm", None)
