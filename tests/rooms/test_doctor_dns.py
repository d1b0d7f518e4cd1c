"""What the doctor reads about the sending domain, from a name server of the test's own."""

import subprocess
from base64 import b64encode

import dns.resolver
import pytest

from tests.conftest import need
from tests.factories import make_settings
from tests.parts.install import find_openssl
from tests.parts.names import NameServer
from tpminstitute.doctor.checks_dkim import check_dkim
from tpminstitute.doctor.checks_dns import check_dmarc, check_mx, check_ptr
from tpminstitute.doctor.checks_spf import check_spf
from tpminstitute.doctor.examine import Check, run_side_by_side
from tpminstitute.doctor.findings import CannotTell, Outcome
from tpminstitute.doctor.lookups import look_up, system_resolver
from tpminstitute.mail.dkim import signing_key

DOMAIN = "tpminstitute.org"


@pytest.fixture
def names():
    with NameServer() as server:
        yield server


@pytest.fixture
def look(tmp_path, names):
    """`look(check, mail_from=…)`: what a check finds, as outcomes and sentences."""

    def run(check, **fields):
        settings = make_settings(tmp_path, **({"smtp_url": "smtp://mail.tpminstitute.org"} | fields))
        found = check(names.reader(), settings)
        return {finding.outcome for finding in found}, " ".join(f"{f.says} {f.do}" for f in found)

    return run


@pytest.mark.parametrize(
    ("record", "outcome", "says"),
    [
        ("v=spf1 ip4:192.0.2.1 -all", Outcome.OK, "ends with -all, costs 0 of 10"),
        ("v=spf1 a mx/24 a:other.example.org include:spf.example.org ~all", Outcome.OK, "costs 5 of 10"),
        ("v=spf1 exists:%{i}.example.org include:%{d}.example.org ~all", Outcome.OK, "costs 2 of 10"),
        ("v=spf1 redirect=spf.example.org", Outcome.OK, "ends with ~all, costs 2 of 10"),
        ("v=spf1 mx all", Outcome.WRONG, "the whole world"),
        ("v=spf1 mx +all", Outcome.WRONG, "the whole world"),
        ("v=spf1 mx ?all", Outcome.RISK, "doesn't say"),
        ("v=spf1 mx", Outcome.RISK, "doesn't say"),
        ("v=spf1 include:nowhere.example.org -all", Outcome.WRONG, "nowhere.example.org, which has no SPF record"),
        ("v=spf1 include:circle.example.org -all", Outcome.WRONG, "more than 10 lookups"),
        (f"v=spf1 {'a ' * 11}-all", Outcome.WRONG, "more than 10 lookups"),
        ("v=spf1 mx sender-id=1 exp=why.example.org -all", Outcome.OK, "costs 1 of 10"),
        ("v=spf10 -all", Outcome.WRONG, "has no SPF record"),
        ("google-site-verification=1", Outcome.WRONG, "has no SPF record"),
    ],
)
def test_spf_is_read_as_a_receiver_reads_it(names, look, record, outcome, says):
    names.put(DOMAIN, "TXT", "something else", record)
    names.put("spf.example.org", "TXT", "v=spf1 mx ~all")
    names.put("circle.example.org", "TXT", "v=spf1 include:circle.example.org -all")
    found, text = look(check_spf)
    assert (found - {Outcome.UNKNOWN}, says in text) == ({outcome}, True), text


def test_two_spf_records_are_none(names, look):
    names.put(DOMAIN, "TXT", "v=spf1 mx -all", "v=spf1 a -all")
    found, text = look(check_spf)
    assert (found, "more than one is none" in text) == ({Outcome.WRONG}, True)


V4, V6 = "9.9.9.9", "2620:fe::fe"


@pytest.fixture
def mail_zone(names):
    """Our mail server with two public addresses, and what records may name."""
    names.put("mail.tpminstitute.org", "A", V4).put("mail.tpminstitute.org", "AAAA", V6)
    names.put(DOMAIN, "A", V4).put(DOMAIN, "AAAA", V6).put(DOMAIN, "MX", "10 mail.tpminstitute.org.")
    names.put("near.example.org", "A", "9.9.9.1").put("near.example.org", "AAAA", "2620:fe::9")
    names.put("spf.example.org", "TXT", f"v=spf1 ip4:{V4} ip6:{V6} -all")
    names.put("none.example.org", "TXT", "v=spf1 ~all")
    names.put("odd.example.org", "TXT", "v=spf1 exists:%{i}.example.org -all")
    return names


@pytest.mark.parametrize(
    ("record", "outcome", "says"),
    [
        (f"ip4:{V4} ip6:{V6} -all", Outcome.OK, f"It covers mail.tpminstitute.org ({V4}, {V6})."),
        ("ip4:9.9.0.0/16 ip6:2620:fe::/32 -all", Outcome.OK, "It covers"),
        ("a -all", Outcome.OK, "It covers"),
        ("MX ~ALL", Outcome.OK, "It covers"),
        ("a:mail.tpminstitute.org. -all", Outcome.OK, "It covers"),
        ("a:near.example.org/24//64 -all", Outcome.OK, "It covers"),
        ("include:spf.example.org -all", Outcome.OK, "It covers"),
        ("include:none.example.org mx -all", Outcome.OK, "It covers"),
        ("redirect=spf.example.org", Outcome.OK, "It covers"),
        ("sender-id=1 mx exp=why.example.org -all", Outcome.OK, "It covers"),
        ("exists:%{i}.example.org mx -all", Outcome.OK, "It covers"),
        ("-all", Outcome.WRONG, f"doesn't cover {V4}, {V6} (mail.tpminstitute.org), so mail from there is refused"),
        ("-mx -all", Outcome.WRONG, "is refused"),
        ("ip4:9.9.9.8 ip6:2620:ff::/32 -all", Outcome.WRONG, f"`ip4:{V4} ip6:{V6}`"),
        ("a:near.example.org -all", Outcome.WRONG, "doesn't cover"),
        ("a:near.example.org/24 -all", Outcome.WRONG, f"doesn't cover {V6} (mail"),
        ("a:near.example.org//64 -all", Outcome.WRONG, f"doesn't cover {V4} (mail"),
        (f"ip4:{V4} ~all", Outcome.RISK, f"doesn't cover {V6} (mail.tpminstitute.org), so mail from there may count"),
        ("include:none.example.org ~all", Outcome.RISK, "may count as forged"),
        ("redirect=none.example.org", Outcome.RISK, "may count as forged"),
        ("exists:%{i}.example.org -all", Outcome.UNKNOWN, "decides by each mail"),
        ("-exists:%{i}.example.org mx -all", Outcome.UNKNOWN, "decides by each mail"),
        ("include:odd.example.org -all", Outcome.UNKNOWN, "decides by each mail"),
        ("ptr -all", Outcome.UNKNOWN, "decides by each mail"),
        ("redirect=%{d}.example.org", Outcome.UNKNOWN, "decides by each mail"),
    ],
)
def test_it_is_said_whether_the_record_covers_our_mail_server(mail_zone, look, record, outcome, says):
    mail_zone.put(DOMAIN, "TXT", f"v=spf1 {record}")
    found, text = look(check_spf)
    assert (outcome in found, says in text) == (True, True), text


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ("ip4:9.9.9.300 -all", "9.9.9.300, which is no address"),
        ("ip4:9.9.9.9/33 -all", "which is no address"),
        ("ip4:2620:fe::/32 -all", "which is no such address"),
        ("mailserver:example.org -all", "“mailserver”, which is no word of SPF"),
        ("a:near.example.org/40 -all", "which is no address"),
    ],
)
def test_a_record_with_a_word_that_is_none_counts_for_nothing(mail_zone, look, record, says):
    mail_zone.put(DOMAIN, "TXT", f"v=spf1 {record}")
    found, text = look(check_spf)
    assert (found, says in text) == ({Outcome.WRONG}, True), text


def test_an_mx_that_names_more_than_ten_servers_breaks_the_record(mail_zone, look):
    mail_zone.put(DOMAIN, "MX", *(f"10 mx{number}.example.org." for number in range(11)))
    mail_zone.put(DOMAIN, "TXT", "v=spf1 mx -all")
    found, text = look(check_spf)
    assert (found, "has 11 mail servers" in text) == ({Outcome.WRONG}, True), text


def test_a_providers_server_that_the_record_does_not_name_may_send_from_elsewhere(mail_zone, look):
    mail_zone.put("smtp.provider.example", "A", "8.8.8.8").put(DOMAIN, "TXT", "v=spf1 include:spf.example.org -all")
    found, text = look(check_spf, smtp_url="smtp://smtp.provider.example")
    assert (found, "a provider may send from elsewhere" in text) == ({Outcome.OK, Outcome.UNKNOWN}, True), text
    assert "spf=pass" in text


def test_a_providers_server_that_the_record_names_is_in_order(mail_zone, look):
    mail_zone.put("smtp.provider.example", "A", V4).put(DOMAIN, "TXT", "v=spf1 include:spf.example.org -all")
    assert look(check_spf, smtp_url="smtp://smtp.provider.example")[0] == {Outcome.OK}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.5"])
def test_whether_a_mail_server_inside_is_covered_can_not_be_told(mail_zone, look, host):
    mail_zone.put(DOMAIN, "TXT", "v=spf1 mx -all")
    found, text = look(check_spf, smtp_url=f"smtp://{host}")
    assert (found, "no public address" in text) == ({Outcome.OK, Outcome.UNKNOWN}, True), text


def test_a_mail_server_whose_name_nobody_answers_leaves_the_record_judged(mail_zone, look):
    mail_zone.put(DOMAIN, "TXT", "v=spf1 -all").break_("smtp.provider.example")
    found, text = look(check_spf, smtp_url="smtp://smtp.provider.example")
    assert (found, "Whether it covers smtp.provider.example can't be told" in text) == (
        {Outcome.OK, Outcome.UNKNOWN},
        True,
    ), text


def test_a_domain_without_spf_is_told_what_to_publish(look):
    found, text = look(check_spf)
    assert (found, f"Publish at {DOMAIN}" in text) == ({Outcome.WRONG}, True)


@pytest.mark.parametrize(
    ("records", "outcome", "says"),
    [
        (["v=DMARC1; p=none; rua=mailto:a@example.org"], Outcome.OK, "none, which only watches"),
        (["v=DMARC1;p=reject"], Outcome.OK, "forgeries are refused"),
        (["v=DMARC1; rua=mailto:a@example.org"], Outcome.WRONG, "p=missing"),
        (["v=DMARC1; p=always"], Outcome.WRONG, "p=always"),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], Outcome.WRONG, "2 DMARC records"),
        (["something else"], Outcome.RISK, "no DMARC record"),
        ([], Outcome.RISK, "Publish at _dmarc.tpminstitute.org"),
    ],
)
def test_dmarc_needs_one_record_with_a_policy(names, look, records, outcome, says):
    names.put(f"_dmarc.{DOMAIN}", "TXT", *records)
    found, text = look(check_dmarc)
    assert (found, says in text) == ({outcome}, True), text


def test_a_subdomain_is_under_the_policy_of_the_domain_above(names, look):
    names.put(f"_dmarc.{DOMAIN}", "TXT", "v=DMARC1; p=none; sp=reject")
    found, text = look(check_dmarc, mail_from=f"info@mail.{DOMAIN}")
    assert (found, "is reject" in text) == ({Outcome.OK}, True)


@pytest.mark.parametrize(
    ("records", "outcome", "says"),
    [
        ({(DOMAIN, "MX"): "10 mx.example.org.", ("mx.example.org", "A"): "192.0.2.1"}, Outcome.OK, "mx.example.org"),
        ({(DOMAIN, "MX"): "10 mx.example.org.", ("mx.example.org", "AAAA"): "2001:db8::1"}, Outcome.OK, "at mx"),
        ({(DOMAIN, "MX"): "10 mx.example.org."}, Outcome.WRONG, "has no address"),
        ({(DOMAIN, "MX"): "0 ."}, Outcome.WRONG, "a null MX"),
        ({(DOMAIN, "A"): "192.0.2.1"}, Outcome.RISK, "no MX record"),
        ({}, Outcome.WRONG, "neither an MX record nor an address"),
    ],
)
def test_answers_need_a_server_that_takes_them(names, look, records, outcome, says):
    for (name, kind), value in records.items():
        names.put(name, kind, value)
    found, text = look(check_mx)
    assert (found, says in text) == ({outcome}, True), text


def test_the_domains_of_sender_and_institute_are_both_looked_up(names, look):
    names.put(DOMAIN, "MX", "10 mx.example.org.").put("mx.example.org", "A", "192.0.2.1")
    found, text = look(check_mx, mail_from="post@bücher.example")
    assert (found, "xn--bcher-kva.example has neither" in text) == ({Outcome.OK, Outcome.WRONG}, True)


@pytest.mark.parametrize(
    ("records", "outcome", "says"),
    [
        (
            {"9.9.9.9.in-addr.arpa": "out.tpminstitute.org.", "out.tpminstitute.org": "9.9.9.9"},
            Outcome.OK,
            "leads back",
        ),
        ({"9.9.9.9.in-addr.arpa": "host.example."}, Outcome.WRONG, "doesn't lead back"),
        ({"9.9.9.9.in-addr.arpa": "host.example.", "host.example": "192.0.2.1"}, Outcome.WRONG, "doesn't lead back"),
        ({}, Outcome.WRONG, "has no name"),
    ],
)
def test_the_mail_servers_address_needs_a_name_that_leads_back(names, look, records, outcome, says):
    names.put("mail.tpminstitute.org", "A", "9.9.9.9")
    for name, value in records.items():
        names.put(name, "PTR" if name.endswith(".arpa") else "A", value)
    found, text = look(check_ptr)
    assert (found, says in text) == ({outcome}, True), text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.5", "mail.inside.example"])
def test_a_mail_server_without_a_public_address_tells_nothing(names, look, host):
    names.put("mail.inside.example", "A", "10.0.0.5")
    assert look(check_ptr, smtp_url=f"smtp://{host}")[0] == {Outcome.UNKNOWN}


@pytest.fixture(params=["rsa", "ed25519"], scope="module")
def key(request, tmp_path_factory):
    """The path of a private key; `look` then signs with it."""
    need(find_openssl(), "openssl")
    path = tmp_path_factory.mktemp("key") / "dkim.pem"
    kind = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if request.param == "rsa" else ["ED25519"]
    subprocess.run(["openssl", "genpkey", "-algorithm", *kind, "-out", path], check=True, capture_output=True)
    return path


def published(tmp_path, key):
    found = signing_key(make_settings(tmp_path, dkim_key=str(key), dkim_selector="tpm1"))
    assert found
    return found.record


@pytest.mark.parametrize(
    ("change", "outcome", "says"),
    [
        (lambda record: [record], Outcome.OK, "is the one that signs"),
        (lambda record: [record.replace("; p=", " ; p= ")], Outcome.OK, "is the one that signs"),
        (lambda record: [f"{record}; t=y"], Outcome.RISK, "t=y"),
        (lambda record: ["v=DKIM1; k=rsa; p="], Outcome.WRONG, "revoked"),
        (lambda record: ["v=DKIM1; p=***"], Outcome.WRONG, "damaged"),
        (lambda record: [f"v=DKIM1; p={b64encode(bytes(300)).decode()}"], Outcome.WRONG, "isn't the one"),
        (lambda record: [f"v=DKIM1; p={record[-4:]}"], Outcome.WRONG, "isn't the one"),
        (lambda record: [record, f"{record}; t=y"], Outcome.WRONG, "2 DKIM records"),
        (lambda record: [], Outcome.WRONG, "Publish at tpm1._domainkey.tpminstitute.org"),
    ],
    ids=["same", "spaces", "trial", "revoked", "damaged", "another", "cut", "two", "none"],
)
def test_the_published_key_has_to_be_the_one_that_signs(names, look, tmp_path, key, change, outcome, says):
    names.put(f"tpm1._domainkey.{DOMAIN}", "TXT", *change(published(tmp_path, key)))
    found, text = look(check_dkim, dkim_key=str(key), dkim_selector="tpm1")
    unread = {Outcome.RISK} if b"ED25519" in described(key) else set()
    assert (found, says in text) == ({outcome} | unread, True), text


def described(key):
    return subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], check=True, capture_output=True).stdout


def test_an_ed25519_key_alone_is_a_risk_and_an_rsa_key_is_none(names, look, tmp_path, key):
    names.put(f"tpm1._domainkey.{DOMAIN}", "TXT", published(tmp_path, key))
    found, text = look(check_dkim, dkim_key=str(key), dkim_selector="tpm1")
    is_ed25519 = b"ED25519" in described(key)
    assert (Outcome.RISK in found) is is_ed25519
    assert ("many receivers don't check" in text) is is_ed25519
    assert ("openssl genrsa" in text) is is_ed25519


def test_without_a_key_it_is_not_known_whether_mail_is_signed(look):
    assert look(check_dkim)[0] == {Outcome.UNKNOWN}


def test_a_key_that_cannot_be_read_is_wrong(look, tmp_path):
    found, text = look(check_dkim, dkim_key=str(tmp_path / "nowhere.pem"), dkim_selector="tpm1")
    assert (found, "DKIM_KEY" in text) == ({Outcome.WRONG}, True)


@pytest.mark.parametrize("trouble", ["break_", "silence"])
@pytest.mark.parametrize("check", [check_spf, check_dmarc, check_mx, check_ptr])
def test_what_nobody_answers_is_neither_right_nor_wrong(names, tmp_path, trouble, check):
    for name in (DOMAIN, f"_dmarc.{DOMAIN}", "mail.tpminstitute.org"):
        getattr(names, trouble)(name)
    settings = make_settings(tmp_path, smtp_url="smtp://mail.tpminstitute.org")
    (finding,) = run_side_by_side([Check("Names", lambda: check(names.reader(), settings))])
    assert (finding.outcome, "can't be looked up from here" in finding.says) == (Outcome.UNKNOWN, True)


def test_a_machine_without_name_servers_is_neither_right_nor_wrong(monkeypatch):
    def none(*_):
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", none)
    with pytest.raises(CannotTell, match="knows no name server"):
        system_resolver()


def test_a_name_that_is_none_is_neither_right_nor_wrong(names):
    with pytest.raises(CannotTell):
        look_up(names.reader(), f"{'a' * 64}.example", "A")
