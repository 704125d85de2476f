"""The form for answers on the page of a mail, in front of a stand-in for what takes mail in."""

from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any, cast

import aiohttp
import pytest
from aiohttp.test_utils import TestClient

from functions.live.outbox.inbound import words
from localstack.door.pages.answers import LARGEST_BODY, LONGEST
from localstack.post_office import Outcome, PostOffice
from tests.unit.localstack.test_pages import JSON, Check, mail
from tests.unit.localstack.test_pages import Emulator as Pages
from tests.unit.localstack.test_pages import pages as served

ADDRESS = "reply+01hzx3j0v7q8m4n5p6r7s8t9vwabc@reply.example.com"
OTHERS = "shop@elsewhere.example"
GIVEN = {"to": ADDRESS, "text": "Gladly."}
TAKEN = "a" * 40


@dataclass
class Office:
    """Takes everything in, and says of it what the test has put there."""

    address: str = ADDRESS
    outcome: Outcome = field(default_factory=lambda: Outcome("waiting"))
    taken: list[dict[str, Any]] = field(default_factory=list)

    def answered_at(self, message_id: str) -> str:
        assert message_id.endswith("@email.amazonses.com")
        return self.address

    def take_in(self, letter: bytes, **given: str) -> str:
        self.taken.append({**given, "letter": letter})
        return TAKEN

    def became(self, message_id: str) -> Outcome:
        assert message_id == TAKEN
        return self.outcome


@pytest.fixture
def office() -> Office:
    return Office()


def pages(check: Check, office: Office) -> None:
    served(check, office=cast(PostOffice, office))


def test_an_answer_comes_in_as_a_mail_program_writes_it(office: Office) -> None:
    async def check(client: TestClient) -> None:
        async with client.post(
            "/mailbox/m-1/answers", data={**GIVEN, "text": "Grüße,\r\nAnn ☕"}, allow_redirects=False
        ) as answer:
            assert answer.status == 303
            assert answer.headers["location"] == f"/mailbox/m-1?answer={TAKEN}#answer"

    pages(check, office)

    (taken,) = office.taken
    letter = message_from_bytes(taken["letter"], policy=policy.default)
    assert (taken["sender"], taken["to"], taken["subject"]) == ("ann@example.com", ADDRESS, "Re: <b>Confirm</b>")
    assert (letter["From"], letter["To"], letter["Subject"]) == (taken["sender"], taken["to"], taken["subject"])
    assert letter["In-Reply-To"] == "<m-1@email.amazonses.com>"
    said = letter.get_content().replace("\r\n", "\n")
    assert said.startswith("Grüße,\nAnn ☕\n") and "> See http://127.0.0.1:8000/#verify=a<b>. Bye" in said
    assert words(taken["letter"]).text == "Grüße,\nAnn ☕"


def test_for_a_program_the_answer_is_a_document(office: Office) -> None:
    async def check(client: TestClient) -> None:
        async with client.post("/mailbox/m-1/answers", data=GIVEN, headers=JSON) as answer:
            assert (answer.status, await answer.json()) == (202, {"message_id": TAKEN, "to": ADDRESS})
            assert answer.headers["location"] == f"/mailbox/m-1?answer={TAKEN}#answer"
        async with client.get(f"/mailbox/m-1?answer={TAKEN}", headers=JSON) as answer:
            found = await answer.json()
        assert found["reply_to"] == ADDRESS
        assert found["answer"] == {"state": "waiting", "ref": "", "text": "", "trace_id": ""}

    pages(check, office)


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome("waiting"), 'id="answer" role="status" data-live="1">On its way'),
        (Outcome("dropped"), ">dropped</span> It was counted"),
        (Outcome("received", "01HZX3", "<script>1</script>", "f" * 32), f'<a href="/traces/{"f" * 32}">'),
        (Outcome("received", "01HZX3", "<script>1</script>", "f" * 32), "&lt;script&gt;1&lt;/script&gt;"),
    ],
    ids=["waiting", "dropped", "trace", "words"],
)
def test_the_page_says_what_became_of_an_answer(office: Office, outcome: Outcome, told: str) -> None:
    async def check(client: TestClient) -> None:
        async with client.get(f"/mailbox/m-1?answer={TAKEN}") as answer:
            text = await answer.text()
        assert told in text and "<script>1" not in text

    office.outcome = outcome
    pages(check, office)


@pytest.mark.parametrize("asked", ["", "nothing", "a" * 39, f"{TAKEN}x", f"{TAKEN}\n"])
def test_nothing_is_said_of_what_is_no_mail(office: Office, asked: str) -> None:
    async def check(client: TestClient) -> None:
        async with client.get("/mailbox/m-1", params={"answer": asked}) as answer:
            assert answer.status == 200 and 'id="answer"' not in await answer.text()

    pages(check, office)


@pytest.mark.parametrize(
    ("address", "told", "has_form"),
    [
        (ADDRESS, f'value="{ADDRESS}"', True),
        ("", "this mail names no address for one", False),
        (OTHERS, f"Answers go to {OTHERS}", False),
        ('"><script>x</script>@reply.example.com', "&quot;&gt;&lt;script&gt;", False),
    ],
    ids=["ours", "none", "another's", "nobody's"],
)
def test_only_a_mail_that_is_answered_here_has_a_form(office: Office, address: str, told: str, has_form: bool) -> None:
    async def check(client: TestClient) -> None:
        async with client.get("/mailbox/m-1") as answer:
            text = await answer.text()
        assert told in text and "<script>x" not in text
        assert ('action="/mailbox/m-1/answers"' in text) is has_form

    office.address = address
    pages(check, office)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Origin": "own"}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Host": "evil.example"}, 421),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "own"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_only_pages_of_ours_and_programs_send_answers(office: Office, headers: dict[str, str], status: int) -> None:
    async def check(client: TestClient) -> None:
        own = f"http://127.0.0.1:{client.port}"
        sent = {name: own if value == "own" else value for name, value in headers.items()}
        async with client.post("/mailbox/m-1/answers", data=GIVEN, headers=sent, allow_redirects=False) as answer:
            assert answer.status == status
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")]

    pages(check, office)

    assert len(office.taken) == (status == 303)


def test_a_browser_may_say_where_the_form_comes_from(office: Office) -> None:
    async def check(client: TestClient) -> None:
        async with client.get("/mailbox/m-1") as answer:
            assert answer.headers["referrer-policy"] == "same-origin"

    pages(check, office)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"text": "x"}, 422),
        ({"to": ADDRESS}, 422),
        ({**GIVEN, "text": " \n"}, 422),
        ({**GIVEN, "text": "x" * (LONGEST + 1)}, 422),
        ({**GIVEN, "text": "x" * LARGEST_BODY}, 413),
        ({**GIVEN, "text": "x\x00y"}, 422),
        ({**GIVEN, "to": OTHERS}, 422),
        ({**GIVEN, "to": "reply.example.com"}, 422),
        ({**GIVEN, "to": f"{ADDRESS}, {OTHERS}"}, 422),
        ({**GIVEN, "to": f"{OTHERS}, {ADDRESS}"}, 422),
        ({**GIVEN, "to": f"a\r\nBcc: {ADDRESS}"}, 422),
        ({**GIVEN, "to": f"{'a' * 65}@reply.example.com"}, 422),
        ({**GIVEN, **{f"field{number}": "x" for number in range(20)}}, 422),
        (b"to=%ff&text=x", 422),
        (b"\xff", 422),
        (b"", 422),
        (aiohttp.FormData(GIVEN, default_to_multipart=True), 415),
    ],
)
def test_what_is_no_answer_is_a_problem(office: Office, data: Any, status: int) -> None:
    async def check(client: TestClient) -> None:
        as_form = {"Content-Type": "application/x-www-form-urlencoded"} if isinstance(data, bytes) else {}
        async with client.post("/mailbox/m-1/answers", data=data, headers=as_form) as answer:
            assert (answer.status, answer.content_type) == (status, "application/problem+json")

    pages(check, office)

    assert office.taken == []


@pytest.mark.parametrize("path", ["/mailbox", "/mailbox/m-1", "/mailbox/m-9/answers", "/mailbox/m-1/answers/more"])
def test_only_a_mail_takes_answers(office: Office, path: str) -> None:
    async def check(client: TestClient) -> None:
        async with client.post(path, data=GIVEN) as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")

    pages(check, office)

    assert office.taken == []


def test_a_subject_of_several_lines_becomes_one_header(office: Office) -> None:
    async def check(client: TestClient) -> None:
        async with client.post("/mailbox/m-3/answers", data=GIVEN, headers=JSON) as answer:
            assert answer.status == 202

    emulator = Pages()
    emulator.mails = {"messages": {"0": [mail(3, "ann@example.com", Subject="RE: One\r\nBcc: two@example.com")]}}
    served(check, emulator=emulator, office=cast(PostOffice, office))

    letter = message_from_bytes(office.taken[0]["letter"], policy=policy.default)
    assert letter["Subject"] == "RE: One Bcc: two@example.com" and letter["Bcc"] is None


def test_a_post_office_that_does_not_answer_leaves_the_mail_readable() -> None:
    async def check(client: TestClient) -> None:
        # The stand-in for the emulator has neither a bucket nor a topic.
        async with client.post("/mailbox/m-1/answers", data=GIVEN) as answer:
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        async with client.get("/mailbox/m-1") as answer:
            assert answer.status == 200 and "See <a href=" in await answer.text()

    served(check)
