from datetime import UTC, datetime

import pytest

from functions.live.outbox.letters import Letter
from functions.live.outbox.provider import Failed, Paused, Refused, SESProvider, Throttled, Unsure
from tessera import aws
from tests.kit.faults import failing


@pytest.fixture
def letter(cloud):
    aws.client("sesv2").create_email_identity(EmailIdentity="hello@tessera.test")
    return Letter(
        mail_id="01HZX3J0V7Q8M4N5P6R7S8T9VW",
        attempt=1,
        category="transactional",
        sender="hello@tessera.test",
        sender_name="Tessera",
        to=["ann@example.com"],
        cc=[],
        bcc=["bob@example.com"],
        subject="News",
        text="Hello.",
        html=None,
        written_at=datetime(2030, 3, 14, tzinfo=UTC),
    )


@pytest.fixture
def ses():
    return SESProvider("", 0)


def test_ses_is_told_whom_it_is_for_and_how_its_reports_find_the_mail(letter):
    seen = []

    def look(service, name, parameters):
        if name == "SendEmail":
            seen.append(parameters)

    with aws.intercepted(look):
        assert SESProvider("tessera-mail", 0).send(letter)

    (asked,) = seen
    assert asked["Destination"]["BccAddresses"] == ["bob@example.com"]
    assert {tag["Name"]: tag["Value"] for tag in asked["EmailTags"]} == {
        "mail_id": letter.mail_id,
        "attempt": "1",
        "category": "transactional",
    }
    assert asked["ConfigurationSetName"] == "tessera-mail"
    assert asked["Content"]["Raw"]["Data"] == letter.mime()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("TooManyRequestsException", Throttled),
        ("LimitExceededException", Throttled),
        ("SendingPausedException", Paused),
        ("AccountSuspendedException", Paused),
        ("MessageRejected", Refused),
        ("MailFromDomainNotVerifiedException", Refused),
        ("BadRequestException", Refused),
        ("NotFoundException", Failed),
        ("AccessDeniedException", Failed),
    ],
)
def test_each_error_of_ses_means_one_thing(letter, ses, code, kind):
    with failing("sesv2", "SendEmail", code=code), pytest.raises(kind):
        ses.send(letter)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aws.NotReached[0](endpoint_url="x"), Throttled),
        (aws.Unreachable[-1](endpoint_url="x"), Unsure),
    ],
    ids=["not reached", "no answer"],
)
def test_only_a_call_that_never_left_may_be_made_again(letter, ses, error, kind):
    def fail(service, name, parameters):
        if name == "SendEmail":
            raise error

    with aws.intercepted(fail), pytest.raises(kind):
        ses.send(letter)


def test_the_client_repeats_no_call_of_its_own(letter, ses, monkeypatch):
    made, real = [], aws.client
    monkeypatch.setattr(aws, "client", lambda service, **config: made.append(config) or real(service, **config))

    ses.send(letter)

    assert made[0]["retries"]["total_max_attempts"] == 1


def test_the_rate_is_asked_for_once(ses):
    asked = []
    watched = aws.intercepted(lambda service, name, parameters: asked.append(name))
    with watched, failing("sesv2", "GetAccount", code="InternalFailure"):
        assert ses.rate() == ses.rate() == 1

    assert asked.count("GetAccount") == 1


def test_a_rate_that_is_set_is_taken():
    assert SESProvider("", 200).rate() == 200
