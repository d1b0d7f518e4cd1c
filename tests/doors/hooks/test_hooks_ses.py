"""Amazon SES through SNS: whose certificate, which topic, and who may ask for a subscription."""

import json
import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.doors.hooks.seen import MAIL, closed, facts, received
from tests.factories import ADA, count
from tests.parts.providers import AMAZON, CERTIFICATE_URL, CONFIRM_URL, TOPIC, Ses, certificate
from tests.parts.tls import Site, make_certificate
from tpminstitute.inbox.contents import content_of
from tpminstitute.inbox.models import HookEvent
from tpminstitute.mail.models import SuppressionReason
from tpminstitute.timeline.models import Activity, ActivityKind
from tpminstitute.web.hooks.certificates import MOST_A_MINUTE
from tpminstitute.web.hooks.fetching import LARGEST, FetchError, fetch_from_amazon


@pytest.fixture
def database_url(sqlite_url):
    """One database: what Amazon's words mean is read here, and test_hooks_all.py stores it on both."""
    return sqlite_url


@pytest.fixture
def ses(amazon, client):
    """Amazon SES with the right key."""
    return Ses(client)


def asking(ses, **fields):
    """The envelope that asks whether a subscription is wanted."""
    usual = {"Type": "SubscriptionConfirmation", "Token": "2336412f37", "SubscribeURL": CONFIRM_URL, "Subject": None}
    return ses.envelope("You have chosen to subscribe to the topic.", **(usual | fields))


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_the_signature_count(client, amazon, mailed, version):
    assert Ses(client, version=version).event("soft", mailed).json == {"taken": 1}


def test_the_certificate_is_fetched_once(ses, amazon, mailed):
    for _ in range(3):
        assert ses.event("soft", mailed).status_code == 200
    assert amazon.fetched == [CERTIFICATE_URL]


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com.charlie.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com@charlie.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
        "https://charlie.example/https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem?x=1",
        "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/other.pem",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(db, ses, amazon, mailed, url):
    answer = ses.post(ses.envelope(ses.payload("hard", mailed), SigningCertURL=url))
    assert (answer.status_code, amazon.fetched, closed(db)) == (403, [], set())


def test_another_topic_is_refused_before_anything_is_fetched(db, ses, amazon, mailed):
    charlies = TOPIC.replace("institute", "charlies")
    answer = ses.post(ses.envelope(ses.payload("hard", mailed), TopicArn=charlies))
    assert (answer.status_code, amazon.fetched, closed(db)) == (403, [], set())


def test_what_was_changed_after_signing_is_refused(db, ses, mailed):
    envelope = ses.envelope(ses.payload("hard", mailed))
    for name, value in [("Message", "{}"), ("MessageId", "x"), ("Subject", "x"), ("Timestamp", "2026-01-01T00:00:00Z")]:
        assert ses.post(envelope | {name: value}).status_code == 403, name
    assert ses.post(envelope | {"Signature": "no base64!"}).status_code == 403
    assert ses.post(envelope | {"SignatureVersion": "3"}).status_code == 403
    assert closed(db) == set()
    assert ses.post(envelope).json == {"taken": 1}


@pytest.mark.parametrize(
    "page",
    [b"no certificate", certificate(days=-1), certificate(key=ec.generate_private_key(ec.SECP256R1())), None],
    ids=["none", "out of date", "of another kind", "not there"],
)
def test_without_a_usable_certificate_amazon_is_asked_to_try_again(db, ses, amazon, mailed, page):
    amazon.pages = {} if page is None else {CERTIFICATE_URL: page}
    assert ses.event("hard", mailed).status_code == 503
    assert closed(db) == set()


def test_amazon_is_asked_for_a_few_certificates_a_minute_at_most(ses, amazon, mailed):
    for number in range(MOST_A_MINUTE + 5):
        url = f"{AMAZON}/SimpleNotificationService-{number:032x}.pem"
        assert ses.post(ses.envelope(ses.payload("hard", mailed), SigningCertURL=url)).status_code == 503
    assert len(amazon.fetched) == MOST_A_MINUTE


def test_a_subscription_to_our_topic_is_confirmed(ses, amazon):
    answer = ses.post(asking(ses))
    assert (answer.status_code, answer.json) == (200, {"confirmed": 1})
    assert amazon.fetched == [CERTIFICATE_URL, CONFIRM_URL]


@pytest.mark.parametrize(
    "fields",
    [
        {"SubscribeURL": CONFIRM_URL.replace("sns.eu-west-1.amazonaws.com", "charlie.example")},
        {"SubscribeURL": CONFIRM_URL.replace(TOPIC, "arn:aws:sns:eu-west-1:666666666666:charlies")},
        {"SubscribeURL": CONFIRM_URL.replace("ConfirmSubscription", "DeleteTopic")},
        {"SubscribeURL": CONFIRM_URL + "&TopicArn=another"},
        {"TopicArn": "arn:aws:sns:eu-west-1:666666666666:charlies"},
    ],
    ids=["another host", "another topic's address", "another action", "two topics", "another topic"],
)
def test_no_other_subscription_is_confirmed(ses, amazon, fields):
    assert ses.post(asking(ses, **fields)).status_code == 403
    assert not [url for url in amazon.fetched if "Action" in url]


def test_an_unsigned_question_confirms_nothing(ses, amazon):
    assert ses.post(asking(ses) | {"Signature": "AAAA"}).status_code == 403
    assert CONFIRM_URL not in amazon.fetched


def test_a_confirmation_that_amazon_does_not_answer_is_asked_for_again(ses, amazon, mailed):
    ses.event("soft", mailed)  # the certificate is at hand
    amazon.down = True
    assert ses.post(asking(ses)).status_code == 503


@pytest.mark.parametrize(
    "message",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        '{"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have successfully subscribed."}',
        '{"eventType": "DeliveryDelay", "deliveryDelay": {}, "mail": {}}',
    ],
)
def test_what_amazon_says_besides_is_answered_and_causes_nothing(db, ses, message):
    answer = ses.post(ses.envelope(message))
    assert (answer.status_code, answer.json) == (200, {"ignored": 1})
    assert count(db, HookEvent) == 0


def test_somebody_who_said_that_it_is_no_spam_did_not_complain(db, ses, mailed):
    complaint = {"complainedRecipients": [{"emailAddress": ADA}], "complaintFeedbackType": "not-spam"}
    assert ses.event("complaint", mailed, complaint=complaint).json == {"ignored": 1}
    assert closed(db) == set()


def test_the_event_of_a_configuration_set_counts_as_well(db, ses, mailed):
    payload = ses.payload("hard", mailed)
    payload["eventType"] = payload.pop("notificationType")
    assert ses.post(ses.envelope(payload)).json == {"taken": 1}
    assert closed(db) == {(ADA, SuppressionReason.HARD_BOUNCE)}


def test_a_message_id_that_ses_replaced_is_found_by_our_reference(db, ses, mailed):
    payload = ses.payload("hard", mailed)
    payload["mail"]["headers"][1]["value"] = "<0100018@eu-west-1.amazonses.com>"
    payload["mail"]["commonHeaders"] = {"messageId": "<0100018@eu-west-1.amazonses.com>"}
    assert ses.post(ses.envelope(payload)).json == {"taken": 1}
    assert len(facts(db, ActivityKind.MAIL_BOUNCED)) == 1


@pytest.mark.parametrize("fields", [{"bounce": None}, {"bounce": {"bouncedRecipients": []}}, {"bounce": {}}])
def test_a_bounce_without_recipients_is_refused_in_words(db, ses, mailed, fields):
    answer = ses.event("hard", mailed, **fields)
    assert answer.status_code == 400
    assert "is missing" in answer.json["problem"]
    assert count(db, HookEvent) == 0


def test_a_mail_in_plain_text_comes_in_as_well(db, ses):
    message = {
        "notificationType": "Received",
        "receipt": {"recipients": ["info@tpminstitute.org"], "action": {"type": "SNS", "encoding": "UTF8"}},
        "content": MAIL.decode("utf-8"),
    }
    assert ses.post(ses.envelope(message)).json == {"taken": 1}
    (row,) = received(db)
    with db.read() as session:
        assert content_of(session, row) == MAIL


def test_an_envelope_that_sns_sends_again_has_no_effect(db, ses, mailed):
    envelope = ses.envelope(ses.payload("soft", mailed))
    ses.post(envelope)
    before = count(db, Activity)
    assert ses.post(envelope).json == {"repeated": 1}
    assert count(db, Activity) == before


def test_raw_message_delivery_without_an_envelope_is_refused(db, client, amazon, mailed):
    payload = Ses(client).payload("hard", mailed)
    assert client.post("/hooks/ses", data=json.dumps(payload), content_type="text/plain").status_code == 403
    assert closed(db) == set()


# --- the way out -------------------------------------------------------------------------------------------


@pytest.fixture
def trusted(tmp_path):
    """A certificate of a web server here, and whom to trust so that it counts."""
    path = make_certificate(tmp_path)
    return path, ssl.create_default_context(cafile=str(path))


def test_a_page_is_fetched_from_a_host_that_proves_its_name(trusted):
    path, context = trusted
    with Site(body=b"a certificate", certificate=path) as site:
        assert fetch_from_amazon(f"{site.url}/x.pem", context) == b"a certificate"


def test_a_redirect_is_not_followed(trusted):
    path, context = trusted
    with (
        Site(body=b"a certificate", certificate=path) as other,
        Site(status=302, certificate=path, Location=f"{other.url}/x.pem") as site,
        pytest.raises(FetchError),
    ):
        fetch_from_amazon(f"{site.url}/x.pem", context)


@pytest.mark.parametrize("site", [{"status": 404}, {"body": b"x" * (LARGEST + 1)}], ids=["not there", "too large"])
def test_anything_else_is_not_fetched(trusted, site):
    path, context = trusted
    with Site(certificate=path, **site) as running, pytest.raises(FetchError):
        fetch_from_amazon(f"{running.url}/x.pem", context)


def test_a_host_that_does_not_prove_its_name_is_not_believed(trusted):
    with Site(body=b"a certificate", certificate=trusted[0]) as site, pytest.raises(FetchError):
        fetch_from_amazon(f"{site.url}/x.pem")
