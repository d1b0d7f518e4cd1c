"""Signed mails: a key of our own, checked at start, and signatures that verify."""

import re
from dataclasses import replace

import dkim as dkimpy
import pytest
from sqlalchemy import update

from tests.factories import make_settings, messages, submitted
from tests.parts.keys import ed25519_pem, rsa_pem
from tpminstitute.core import clock, tokens
from tpminstitute.core.errors import SettingsError
from tpminstitute.mail.dkim import OVERSIGNED, SigningError, sign, signing_key
from tpminstitute.mail.models import MessageKind
from tpminstitute.sequences.models import Enrollment
from tpminstitute.sequences.runner import run_due

KEYS = [("rsa", rsa_pem()), ("rsa", rsa_pem(pkcs8=False)), ("ed25519", ed25519_pem())]
FORMS = pytest.mark.parametrize(("algorithm", "pem"), KEYS, ids=["rsa", "rsa in its older form", "ed25519"])
MAIL = b"From: info@tpminstitute.org\r\nTo: ada@example.org\r\nSubject: Hello\r\n\r\nHello\r\n"


@pytest.fixture
def key_of(tmp_path):
    """`key_of(pem)`: the key as the service reads it from a file with that content."""

    def read(pem, selector="tpm1", **fields):
        (path := tmp_path / tokens.secret()).write_bytes(pem)
        return signing_key(make_settings(tmp_path, dkim_key=str(path), dkim_selector=selector, **fields))

    return read


def verifies(content, key):
    records = {f"{key.record_name}.".encode(): key.record.encode()}
    return dkimpy.verify(content, dnsfunc=lambda name, timeout: records.get(name))


def signed_names(content):
    tags = content.partition(b"\r\n\r\n")[0].partition(b"h=")[2].partition(b";")[0]
    return b"".join(tags.split()).decode().split(":")


@FORMS
def test_a_signed_mail_verifies_with_the_record_that_its_key_asks_for(key_of, algorithm, pem):
    key = key_of(pem)
    assert key.record_name == "tpm1._domainkey.tpminstitute.org"
    assert key.record.startswith(f"v=DKIM1; k={algorithm}; p=")
    assert verifies(sign(MAIL, key), key)


@FORMS
def test_the_key_file_may_have_windows_line_ends_and_words_around_it(key_of, algorithm, pem):
    key = key_of(b"our key\r\n" + pem.replace(b"\n", b"\r\n") + b"kept by Bob")
    assert verifies(sign(MAIL, key), key)


def test_signing_changes_no_octet_of_the_mail(key_of):
    signed = sign(MAIL, key_of(rsa_pem()))
    assert signed.endswith(MAIL)
    head = signed[: -len(MAIL)]
    assert head.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;")
    assert not re.search(rb"(?<!\r)\n", head)
    assert max(map(len, head.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    "changed",
    [
        lambda mail: mail.replace(b"\r\n\r\nHello", b"\r\n\r\nHullo"),
        lambda mail: mail.replace(b"Subject: Hello", b"Subject: Hullo"),
        lambda mail: b"From: eve@example.org\r\n" + mail,
        lambda mail: b"Subject: Something else\r\n" + mail,
        lambda mail: b"Reply-To: eve@example.org\r\n" + mail,
        lambda mail: b"Cc: eve@example.org\r\n" + mail,
    ],
    ids=["body", "subject", "a second From", "a second Subject", "a Reply-To", "a Cc"],
)
def test_a_change_on_the_way_breaks_the_signature(key_of, changed):
    key = key_of(ed25519_pem())
    assert not verifies(changed(sign(MAIL, key)), key)


def test_white_space_that_servers_change_does_not_break_it(key_of):
    key = key_of(ed25519_pem())
    mail = sign(MAIL, key).replace(b"Subject: Hello", b"SUBJECT:  Hello ").replace(b"Hello\r\n", b"Hello  \r\n\r\n")
    assert verifies(mail, key)


def test_what_rfc_8058_and_gmail_ask_for_is_signed(db, settings, key_of):
    submitted(db, settings, consents=True)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    run_due(db, settings)
    key = key_of(rsa_pem())
    for message in messages(db):
        signed = sign(message.content, key)
        names = [
            line.partition(b":")[0].decode().lower()
            for line in re.split(rb"\r\n(?!\s)", message.content.partition(b"\r\n\r\n")[0])
        ]
        assert set(signed_names(signed)) == set(names) | {"cc"} | {name.decode() for name in OVERSIGNED}
        assert signed_names(signed).count("from") == 2
        assert verifies(signed, key)


def test_a_mail_that_needs_smtputf8_is_signed_as_well(db, settings, key_of):
    submitted(db, settings, email="jürgen@bücher.example.org")
    key = key_of(ed25519_pem())
    (message,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert verifies(sign(message.content, key), key)


def test_the_domain_is_that_of_mail_from_in_ascii(key_of):
    assert key_of(ed25519_pem(), mail_from="info@Bücher.example").domain == "xn--bcher-kva.example"


def test_nothing_secret_is_shown_with_a_key(key_of):
    key = key_of(rsa_pem())
    assert key.private.decode()[40:60] not in repr(key)


def test_a_mail_that_cannot_be_signed_says_so(key_of):
    with pytest.raises(SigningError, match="could not be signed"):
        sign(MAIL, replace(key_of(rsa_pem()), private=b"nothing"))


# --- settings ----------------------------------------------------------------------------------------------


def test_without_a_key_nothing_is_signed(tmp_path):
    assert signing_key(make_settings(tmp_path)) is None


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        (b"", "holds no key in PEM form"),
        (b"hello", "holds no key in PEM form"),
        (rsa_pem().replace(b"PRIVATE", b"PUBLIC"), "key of the kind “PUBLIC KEY”"),
        (rsa_pem().replace(b"PRIVATE", b"ENCRYPTED PRIVATE"), "key of the kind “ENCRYPTED PRIVATE KEY”"),
        (rsa_pem()[:200] + b"!" + rsa_pem()[201:], "is damaged"),
        (rsa_pem()[:400] + rsa_pem()[465:], "neither an RSA nor an ed25519 key"),
        (ed25519_pem()[:60] + ed25519_pem()[64:], "neither an RSA nor an ed25519 key"),
        (rsa_pem(1024), "has 1024 bits, and 2048 is the least"),
    ],
    ids=["empty", "no PEM", "a public key", "an encrypted key", "not base64", "a line lost", "cut short", "too short"],
)
def test_a_file_that_cannot_sign_stops_the_start_with_a_sentence(key_of, pem, says):
    with pytest.raises(SettingsError, match=says) as refused:
        key_of(pem)
    assert str(refused.value).startswith("DKIM_KEY names the file ")
    assert "openssl genrsa" in str(refused.value)


def test_a_file_that_cannot_be_read_stops_the_start_with_a_sentence(tmp_path):
    for path in (tmp_path / "nowhere.pem", tmp_path, "a\0b"):
        settings = make_settings(tmp_path, dkim_key=str(path), dkim_selector="tpm1")
        with pytest.raises(SettingsError, match=r"DKIM_KEY names the file .* it can't be read"):
            signing_key(settings)


@pytest.mark.parametrize(
    ("key", "selector", "says"),
    [
        ("key.pem", "", "DKIM_KEY is set and DKIM_SELECTOR is not"),
        ("", "tpm1", "DKIM_SELECTOR is set and DKIM_KEY is not"),
        ("key.pem", "tpm1._domainkey", "DKIM_SELECTOR is not usable"),
        ("key.pem", "a b", "DKIM_SELECTOR is not usable"),
    ],
)
def test_key_and_selector_belong_together(tmp_path, key, selector, says):
    with pytest.raises(SettingsError, match=says):
        signing_key(make_settings(tmp_path, dkim_key=key, dkim_selector=selector))
