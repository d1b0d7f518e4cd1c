"""Coming in with more than a password: a passkey of the browser's own, an app's code, a recovery code."""

import base64
import time

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import expect

from tests.journeys.steps import PASSWORD, come_to_the_desk


def virtual_authenticator(page):
    """Give the browser a device that recognises its owner (Chrome DevTools Protocol, WebAuthn)."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def code_of(secret, seconds=0):
    octets = base64.b32decode(secret.replace(" ", ""))
    return TOTP(octets, 6, SHA1(), 30).generate(int(time.time()) + seconds).decode()


def give_password(page, url):
    page.goto(f"{url}/staff/sign-in")
    page.get_by_label("E-mail", exact=True).fill("alice@tpminstitute.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page):
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_alice_sets_up_a_passkey_and_an_app_and_comes_in_with_each(running_service, browser_page):
    # Browsers offer passkeys by name only: http://localhost is as good as https.
    service = running_service(PUBLIC_URL="http://localhost:{port}")
    url, page = f"http://localhost:{service.port}", browser_page
    virtual_authenticator(page)
    come_to_the_desk(page, service.setup_link)
    page.goto(f"{url}/staff/account")
    page.get_by_role("link", name="Set up a second step").click()

    page.get_by_label("What it is called").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="The passkey is kept.")).to_be_visible()
    recovery_code = page.locator(".codes code").first.text_content()
    page.get_by_role("link", name="I have kept them").click()
    sign_out(page)

    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/staff/")
    sign_out(page)

    give_password(page, url)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/staff/")

    page.goto(f"{url}/staff/account/second-step")
    secret = page.locator("code.secret").text_content()
    used = code_of(secret)
    page.get_by_label("The code that the app shows now").fill(used)
    page.get_by_role("button", name="Set up the app").click()
    expect(page.get_by_text("Your app is set up.")).to_be_visible()
    page.goto(f"{url}/staff/inbox")
    sign_out(page)

    give_password(page, url)
    page.get_by_label("Code").fill(used)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("That code isn’t right, or was used already.")).to_be_visible()
    page.get_by_label("Code").fill(code_of(secret, 30))
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/staff/")
    sign_out(page)

    give_password(page, url)
    page.get_by_label("Code").fill(recovery_code)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("it is used up. 9 are left.")).to_be_visible()
