"""The settings of webhooks and of the numbers: a wrong one stops the start with a sentence that says how to mend it."""

import pytest

from tests.factories import make_settings
from tests.parts.keys import ed25519_pem
from tests.parts.providers import INBOUND_SECRET, PASSWORD, SETTINGS, TOPIC
from tpminstitute.core.errors import SettingsError
from tpminstitute.core.hook_settings import webhook_key

KEY = SETTINGS["sendgrid_webhook_key"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"postmark_webhook_password": "short"}, "POSTMARK_WEBHOOK_PASSWORD is not usable"),
        ({"postmark_webhook_password": "twenty characters: @ /"}, "openssl rand -hex 24"),
        ({"metrics_token": "short"}, "METRICS_TOKEN is not usable: write 20 or more letters and digits"),
        ({"ses_topic_arn": "my-topic"}, "SES_TOPIC_ARN is not usable: write it as arn:aws:sns:"),
        ({"ses_topic_arn": f"{TOPIC} {TOPIC[:-5]}/x"}, "SES_TOPIC_ARN is not usable"),
        ({"sendgrid_webhook_key": "MFkwEwYH"}, "SENDGRID_WEBHOOK_KEY is not usable: write the public key"),
        ({"sendgrid_webhook_key": ed25519_pem().decode()}, "SENDGRID_WEBHOOK_KEY is not usable"),
        ({"sendgrid_inbound_key": KEY}, "SENDGRID_INBOUND_KEY and SENDGRID_INBOUND_SECRET are set together"),
        ({"sendgrid_inbound_secret": INBOUND_SECRET}, "are set together or not at all"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_says_how_to_mend_it(tmp_path, fields, said):
    with pytest.raises(SettingsError) as stopped:
        make_settings(tmp_path, **fields)
    assert said in str(stopped.value)
    assert not [value for value in fields.values() if value in str(stopped.value)]


def test_the_right_ones_are_taken(tmp_path):
    settings = make_settings(tmp_path, **SETTINGS | {"ses_topic_arn": f"{TOPIC} {TOPIC}-two"})
    assert settings.postmark_webhook_password == PASSWORD


def test_a_key_in_the_lines_of_pem_is_the_same_key():
    pem = f"-----BEGIN PUBLIC KEY-----\n{KEY[:64]}\n{KEY[64:]}\n-----END PUBLIC KEY-----\n"
    assert webhook_key(pem) == webhook_key(KEY)
