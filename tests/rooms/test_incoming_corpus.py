"""Each mail of the corpus is read as what it is; nothing automatic is ever taken for a person's reply."""

from collections import Counter

import pytest

from tests.corpus import FOLDERS, folder_of, read, samples

SAMPLES = samples()
AS_NAMED = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.title)


@AS_NAMED
def test_each_mail_is_read_as_what_it_is(sample):
    assert folder_of(read(sample)) == sample.folder


@AS_NAMED
def test_each_mail_says_what_stands_beside_it(sample):
    mail = read(sample)
    failed = mail.bounce or mail.complaint
    found = {
        "words": mail.words.strip(),
        "return_on": mail.return_on.isoformat() if mail.return_on else None,
        "recipient": failed.recipient if failed else None,
        "status": mail.bounce.status if mail.bounce else None,
        "refers_to": next(iter(mail.refers_to), ""),
        "reference": next(iter(mail.references), ""),
        "attachments": [file.media_type for file in mail.attachments],
        "attachment_names": [file.name for file in mail.attachments],
        "flagged_as_spam": mail.flagged_as_spam,
    }
    assert {name: found[name] for name in sample.expected} == sample.expected


@AS_NAMED
def test_the_passages_of_each_mail_are_its_whole_text(sample):
    mail = read(sample)
    assert "\n".join(passage.text for passage in mail.passages) == mail.text


def test_no_reply_is_false():
    taken = [sample.title for sample in SAMPLES if sample.folder != "person" and folder_of(read(sample)) == "person"]
    assert not taken


def test_nothing_but_a_persons_mail_may_be_answered_by_a_program():
    assert {sample.folder for sample in SAMPLES if read(sample).answerable} == {"person"}


def test_accuracy_of_each_kind():
    right = Counter(sample.folder for sample in SAMPLES if folder_of(read(sample)) == sample.folder)
    every = Counter(sample.folder for sample in SAMPLES)
    for folder in FOLDERS:
        print(f"{folder}: {right[folder]} of {every[folder]}")
    assert sum(every.values()) >= 150
    assert min(every.values()) >= 8
    assert all(right[folder] == every[folder] for folder in FOLDERS)
