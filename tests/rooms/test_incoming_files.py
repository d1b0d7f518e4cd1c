"""Files that come by mail: named safely, typed by what is in them, kept as they came."""

import unicodedata
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rooms.mails import parts, read
from tpminstitute.mail.incoming.attachments import NAME_LIMIT, safe_name, told_type

MIXED = "multipart/mixed; boundary=b1"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)


def attached(*bodies):
    return read(parts("Content-Type: text/plain\n\nSee the file.", *bodies), content_type=MIXED).attachments


@pytest.mark.parametrize(
    ("written", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.doc", "a.doc"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\0b\r\n.txt", "a_b_.txt"),
        ("..", ""),
        ("=?utf-8?b?w6QucGRm?=", "ä.pdf"),
        ("x" * 300 + ".pdf", "x" * 115 + "….pdf"),
        (' "a:b*c?.txt" ', "_a_b_c_.txt_"),
        ("", ""),
    ],
)
def test_names_are_safe(written, safe):
    assert safe_name(written) == safe


@given(st.text(max_size=400))
def test_any_name_is_safe(written):
    name = safe_name(written)
    assert len(name) <= NAME_LIMIT
    assert not set(name) & set('/\\:*?"<>|')
    assert name.strip(". ") == name
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in name)


@pytest.mark.parametrize(
    ("octets", "name", "declared", "media_type"),
    [
        (PNG, "a.pdf", "application/pdf", "image/png"),
        (b"%PDF-1.7", "a.png", "image/png", "application/pdf"),
        (b"MZ\x90\0\3\0\0\0\4", "a.pdf", "application/pdf", "application/vnd.microsoft.portable-executable"),
        (b"<html><script>", "a.txt", "text/plain", "text/html"),
        (b"a,b\n1,2", "a.csv", "text/csv", "text/csv"),
        (b"BEGIN:VCALENDAR\r\n", "a.txt", "text/plain", "text/calendar"),
        (b"Hello", "a", "application/x-thing", "text/plain"),
        (
            b"PK\3\4x",
            "a.docx",
            "application/zip",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (b"PK\3\4x", "a.exe", "image/png", "application/zip"),
        (b"\x12\x99\x03\0" * 9, "a.png", "image/png", "application/octet-stream"),
        (b"\x78\x9f\x3e\x22x", "winmail.dat", "application/ms-tnef", "application/ms-tnef"),
        (b"", "a", "image/png", "text/plain"),
    ],
)
def test_the_content_tells_the_type(octets, name, declared, media_type):
    assert told_type(octets, name, declared) == media_type


def test_a_file_is_kept_as_it_stands_in_the_mail():
    encoded = b64encode(PNG)
    head = b"Content-Type: image/png\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    (file,) = attached(head + encoded)
    assert (file.encoded, file.encoding, file.size) == (encoded, "base64", len(PNG))
    assert file.digest == sha256(encoded).hexdigest()
    assert file.inline_id == ""


def test_a_picture_in_the_text_has_its_content_id():
    (file,) = attached(b"Content-Type: image/png\r\nContent-ID: <p1@x>\r\n\r\n" + PNG)
    assert (file.inline_id, file.name) == ("p1@x", "attachment-1.png")


def test_a_mail_in_a_mail_is_a_file():
    (file,) = attached("Content-Type: message/rfc822\n\nFrom: a@example.org\nSubject: The plan\n\nHello")
    assert (file.name, file.media_type) == ("The plan.eml", "message/rfc822")


def test_of_more_than_a_hundred_files_the_rest_is_said():
    files = ["Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nx"] * 130
    mail = read(parts(*files), content_type=MIXED)
    assert len(mail.attachments) == 100
    assert any(problem.startswith("The mail has 130 attachments; 100 are listed") for problem in mail.problems)
