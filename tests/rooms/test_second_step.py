"""What beside a password lets somebody in: an app's codes, passkeys, recovery codes; and who is asked for it."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from tests.conftest import on_postgresql, on_sqlite
from tests.factories import an_account, count, make_settings
from tests.parts.authenticator import Authenticator, damaged
from tpminstitute.accounts import passkeys, recovery_codes, second_step, totp
from tpminstitute.accounts.factor_models import Passkey, RecoveryCode, SecondStep, TotpSecret
from tpminstitute.accounts.models import AuditEntry, Role
from tpminstitute.accounts.passkeys import PasskeyError
from tpminstitute.accounts.second_step import Factors

KEY = "k" * 40
NOON = datetime(2026, 4, 20, 12, tzinfo=UTC)
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""The secret of RFC 6238's own test vectors, appendix B."""

ORIGIN = "https://desk.institute.test"


@pytest.fixture
def settings(tmp_path):
    return make_settings(tmp_path, public_url=ORIGIN)


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session)


@pytest.fixture
def bob(db):
    with db.write() as session:
        return an_account(session, "Bob", Role.ADMINISTRATOR)


def code_at(moment, secret=SECRET):
    return TOTP(base64.b32decode(secret), 6, SHA1(), 30).generate(int(moment.timestamp())).decode()


def has_app(db, alice, at=NOON - timedelta(hours=1)):
    with time_machine.travel(at, tick=False), db.write() as session:
        assert totp.set_up(session, KEY, alice.id, SECRET, code_at(at))


def is_right(db, alice, code, at=NOON, key=KEY):
    with time_machine.travel(at, tick=False), db.write() as session:
        return totp.check_code(session, key, alice.id, code)


# --- an app ------------------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_the_standard(db, alice, seconds, code):
    with db.write() as session:
        sealed = totp.seal(KEY, SECRET)
        session.add(TotpSecret(account_id=alice.id, sealed=sealed, last_step=0, added_at=NOON))
    assert is_right(db, alice, code, datetime.fromtimestamp(seconds, UTC))


def test_a_code_is_taken_once(db, alice):
    has_app(db, alice)
    assert is_right(db, alice, code_at(NOON))
    assert not is_right(db, alice, code_at(NOON))
    assert not is_right(db, alice, code_at(NOON - timedelta(seconds=30)))
    assert is_right(db, alice, code_at(NOON + timedelta(seconds=30)))


@on_postgresql
def test_a_code_that_is_used_twice_at_once_lets_in_once(db, alice):
    """Both have looked before either is through; on SQLite the second doesn't get to look."""
    has_app(db, alice)
    with time_machine.travel(NOON, tick=False), db.write() as first, db.write() as second:
        seen = [session.get_one(TotpSecret, alice.id) for session in (first, second)]
        assert len(seen) == 2
        assert totp.check_code(first, KEY, alice.id, code_at(NOON))
        first.commit()
        assert not totp.check_code(second, KEY, alice.id, code_at(NOON))


@on_sqlite
def test_the_code_that_set_the_app_up_lets_nobody_in(db, alice):
    has_app(db, alice, NOON)
    assert not is_right(db, alice, code_at(NOON))


@on_sqlite
@pytest.mark.parametrize(("off", "right"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_phones_clock_may_be_off_by_half_a_minute(db, alice, off, right):
    has_app(db, alice)
    assert is_right(db, alice, code_at(NOON + timedelta(seconds=off))) is right


@on_sqlite
@pytest.mark.parametrize("typed", ["", "123", "abcdef", "١٢٣٤٥٦", "1234567", "\0" * 6, "000000x"])
def test_what_is_no_code_is_none(db, alice, typed):
    has_app(db, alice)
    assert not is_right(db, alice, typed)


@on_sqlite
def test_a_code_may_be_typed_with_a_gap(db, alice):
    has_app(db, alice)
    code = code_at(NOON)
    assert is_right(db, alice, f" {code[:3]} {code[3:]} ")


def test_an_app_is_set_up_only_by_a_code_that_it_shows_and_its_secret_is_not_stored(db, alice):
    with time_machine.travel(NOON, tick=False), db.write() as session:
        assert not totp.set_up(session, KEY, alice.id, SECRET, "000000")
        assert not totp.has_app(session, alice.id)
        assert totp.set_up(session, KEY, alice.id, SECRET, code_at(NOON))
        sealed = session.get_one(TotpSecret, alice.id).sealed
    assert SECRET not in sealed
    assert totp.unseal(KEY, sealed) == SECRET
    assert totp.unseal("another key" * 4, sealed) is None
    assert not is_right(db, alice, code_at(NOON + timedelta(minutes=1)), NOON + timedelta(minutes=1), "another key" * 4)


def test_the_address_for_the_app_names_the_institute_and_the_account():
    address = totp.address_for_app(SECRET, "alice+x@tpminstitute.org", "TPM & Co")
    assert address == (
        f"otpauth://totp/TPM%20%26%20Co%3Aalice%2Bx@tpminstitute.org?secret={SECRET}&issuer=TPM%20%26%20Co"
    )


# --- recovery codes ----------------------------------------------------------------------------------------


def test_each_recovery_code_lets_in_once_however_it_is_typed(db, alice, bob):
    with db.write() as session:
        codes = recovery_codes.make_codes(session, alice.id)
        assert len(set(codes)) == 10
        assert not recovery_codes.use_code(session, bob.id, codes[0])
        assert recovery_codes.use_code(session, alice.id, codes[0])
        assert not recovery_codes.use_code(session, alice.id, codes[0])
        assert recovery_codes.use_code(session, alice.id, f" {codes[1].upper().replace('-', ' ')} ")
        assert second_step.factors_of(session, alice.id) == Factors(False, 0, 8)


def test_new_recovery_codes_make_the_old_ones_void_and_none_is_stored(db, alice):
    with db.write() as session:
        old = recovery_codes.make_codes(session, alice.id)
        new = recovery_codes.make_codes(session, alice.id)
        kept = {row.digest for row in session.query(RecoveryCode)}
        assert not recovery_codes.use_code(session, alice.id, old[0])
        assert recovery_codes.use_code(session, alice.id, new[0])
    assert not kept & {code.replace("-", "") for code in new}
    assert count(db, RecoveryCode) == 10


def test_letters_that_look_like_digits_are_read_as_those():
    assert recovery_codes.read_code("OIL0-1110-abcd-efgh") == "0110" + "1110" + "abcdefgh"
    assert recovery_codes.read_code("u" * 16) is None
    assert recovery_codes.read_code("abc") is None


# --- passkeys ----------------------------------------------------------------------------------------------


@pytest.fixture
def phone():
    return Authenticator(ORIGIN)


def keep(db, settings, account, phone, answer=None):
    options, challenge = passkeys.to_add(settings, account, [])
    with db.write() as session:
        return passkeys.add(session, settings, account.id, answer or phone.register(options), challenge, "My phone")


def proven(db, settings, answer, challenge, account_id=None):
    with db.write() as session:
        return passkeys.prove(session, settings, answer, challenge, account_id)


def test_a_passkey_proves_whose_it_is(db, settings, alice, phone):
    passkey = keep(db, settings, alice, phone)
    assert (passkey.name, passkey.sign_count) == ("My phone", 0)
    options, challenge = passkeys.to_prove(settings, [passkey])
    assert proven(db, settings, phone.sign(options), challenge, alice.id) == alice.id
    with db.read() as session:
        assert session.query(Passkey).one().sign_count == 1


def test_an_answer_is_good_for_its_own_challenge_only(db, settings, alice, phone):
    passkey = keep(db, settings, alice, phone)
    options, _ = passkeys.to_prove(settings, [passkey])
    answer = phone.sign(options)
    _, another = passkeys.to_prove(settings, [passkey])
    for challenge in (another, ""):
        with pytest.raises(PasskeyError):
            proven(db, settings, answer, challenge, alice.id)


@on_sqlite
@pytest.mark.parametrize("part", ["signature", "authenticatorData", "clientDataJSON"])
def test_a_damaged_answer_proves_nothing(db, settings, alice, phone, part):
    options, challenge = passkeys.to_prove(settings, [keep(db, settings, alice, phone)])
    with pytest.raises(PasskeyError):
        proven(db, settings, damaged(phone.sign(options), part), challenge, alice.id)


@on_sqlite
def test_an_answer_from_another_site_proves_nothing(db, settings, alice, phone):
    options, challenge = passkeys.to_prove(settings, [keep(db, settings, alice, phone)])
    phone.origin = "https://desk.institute.test.evil.example"
    with pytest.raises(PasskeyError):
        proven(db, settings, phone.sign(options), challenge, alice.id)


@on_sqlite
def test_somebody_elses_passkey_is_no_second_step(db, settings, alice, bob, phone):
    options, challenge = passkeys.to_prove(settings, [keep(db, settings, alice, phone)])
    with pytest.raises(PasskeyError):
        proven(db, settings, phone.sign(options), challenge, bob.id)


@on_sqlite
def test_without_a_password_the_device_has_to_recognise_its_owner(db, settings, alice, phone):
    passkey = keep(db, settings, alice, phone)
    options, challenge = passkeys.to_prove(settings)
    with pytest.raises(PasskeyError):
        proven(db, settings, phone.sign(options, verified=False), challenge)
    assert proven(db, settings, phone.sign(options, verified=True), challenge) == alice.id
    second, challenge = passkeys.to_prove(settings, [passkey])
    assert proven(db, settings, phone.sign(second, verified=False), challenge, alice.id) == alice.id


@on_sqlite
def test_a_copied_passkey_is_found_out_by_its_count(db, settings, alice, phone):
    passkey = keep(db, settings, alice, phone)
    for _ in range(2):
        options, challenge = passkeys.to_prove(settings, [passkey])
        proven(db, settings, phone.sign(options), challenge, alice.id)
    with pytest.raises(PasskeyError):
        proven(db, settings, phone.sign(options, counts=False), challenge, alice.id)


def test_a_passkey_is_kept_once(db, settings, alice, bob, phone):
    keep(db, settings, alice, phone)
    with pytest.raises(PasskeyError, match="kept already"):
        keep(db, settings, bob, phone)
    assert count(db, Passkey) == 1


@on_sqlite
@pytest.mark.parametrize(
    "answer", ["", "{", "null", "[]", "1", '{"id": 1}', "[" * 50_000, '{"id": "é", "rawId": "\\u0000"}', "x" * 200_000]
)
def test_nonsense_is_no_passkey_and_no_error_of_ours(db, settings, alice, answer):
    with pytest.raises(PasskeyError):
        keep(db, settings, alice, None, answer or " ")
    with pytest.raises(PasskeyError):
        proven(db, settings, answer, passkeys.to_prove(settings)[1])


@on_sqlite
def test_somebody_elses_passkey_is_not_removed(db, settings, alice, bob, phone):
    passkey = keep(db, settings, alice, phone)
    with db.write() as session:
        assert not passkeys.remove(session, bob.id, passkey.id)
        assert passkeys.remove(session, alice.id, passkey.id)


@pytest.mark.parametrize(
    ("url", "possible"),
    [
        ("https://desk.institute.test", True),
        ("http://localhost:8000", True),
        ("http://desk.institute.test", False),
        ("https://192.0.2.1", False),
        ("https://[2001:db8::1]", False),
    ],
)
def test_passkeys_are_offered_where_browsers_would(tmp_path, url, possible):
    assert passkeys.are_possible(make_settings(tmp_path, public_url=url)) is possible


# --- who is asked ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "advisor", "administrator"),
    [
        (SecondStep.OFF, False, False),
        (SecondStep.OPTIONAL, False, False),
        (SecondStep.ADMINISTRATORS, False, True),
        (SecondStep.EVERYBODY, True, True),
    ],
)
def test_who_has_to_set_one_up_is_a_rule_of_the_institute(db, alice, bob, rule, advisor, administrator):
    with db.write() as session:
        assert second_step.set_rule(session, rule, bob.id) is (rule is not SecondStep.OPTIONAL)
        assert second_step.must_set_up(session, alice) is advisor
        assert second_step.must_set_up(session, bob) is administrator


@on_sqlite
def test_who_has_one_is_asked_for_it_unless_it_is_off(db, alice, bob):
    has_app(db, alice)
    with db.write() as session:
        assert second_step.is_asked(session, alice.id)
        assert not second_step.is_asked(session, bob.id)
        second_step.set_rule(session, SecondStep.EVERYBODY, bob.id)
        assert not second_step.must_set_up(session, alice)
        second_step.set_rule(session, SecondStep.OFF, bob.id)
        assert not second_step.is_asked(session, alice.id)


def test_taking_it_off_takes_everything_and_is_on_record(db, settings, alice, bob, phone):
    has_app(db, alice)
    keep(db, settings, alice, phone)
    with db.write() as session:
        recovery_codes.make_codes(session, alice.id)
        assert second_step.with_factors(session) == {alice.id}
        assert second_step.take_off(session, alice.id, bob.id)
        assert not second_step.take_off(session, alice.id, bob.id)
        assert second_step.factors_of(session, alice.id) == Factors(False, 0, 0)
        assert session.query(AuditEntry).order_by(AuditEntry.id.desc()).limit(1).one().account_id == bob.id
