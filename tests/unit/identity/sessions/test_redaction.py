"""One life of a browser's session, and every secret that was issued in it looked for in every line that was logged."""

import pytest

from tests.kit.logs import logged, parts_of

from .conftest import CODE, DEVICE_TOKEN, PASSWORD


@pytest.mark.asvs("16.2.5", "10.1.1")
def test_no_secret_of_a_session_gets_into_the_log(browser, ann, frozen):
    secrets = {PASSWORD, DEVICE_TOKEN, ann.email}
    ann.has_factor = True

    with logged() as written:
        mine = browser()
        mine.post("/sessions/login", json={"email": ann.email, "password": "a guess that is wrong"})
        begun = mine.post("/sessions/login", json={"email": ann.email, "password": ann.password}).json()
        answers = [
            mine.post("/sessions/login/mfa", json={"mfa_token": begun["mfa_token"], "method": "totp", "code": CODE})
        ]
        secrets |= {begun["mfa_token"], *mine.jar.values()}
        for path, body in (
            ("/sessions/renew", None),
            ("/sessions/reauthenticate", {"password": PASSWORD}),
            ("/sessions/logout", None),
        ):
            frozen.advance(minutes=1)
            answers.append(mine.post(path, json=body) if body else mine.post(path))
            secrets |= set(mine.jar.values())
        lines = written()

    assert all(answer.status_code < 300 for answer in answers), [answer.text for answer in answers]
    assert '"route":"/sessions/renew"' in lines
    assert len(secrets) >= 10
    assert [secret for secret in secrets for part in parts_of(secret) if part in lines] == []
