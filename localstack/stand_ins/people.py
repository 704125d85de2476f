"""Who has an account at every stand-in provider, and the page on which one of them is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from localstack.stand_ins.wire import Answer, Asked, StandIn


@dataclass(frozen=True)
class Somebody:
    """`number` is what GitHub and Facebook know them by, `sub` what OpenID providers do."""

    sub: str
    number: int
    name: str
    email: str = ""
    verified: bool = True
    locale: str = "en"
    amr: tuple[str, ...] = ("pwd",)


EVERYBODY = {
    person.sub: person
    for person in (
        Somebody("ada", 1815, "Ada Lovelace", "ada@idp.example"),
        Somebody("grace", 1906, "Grace Hopper", "grace@idp.example", amr=("pwd", "mfa")),
        Somebody("unverified", 1900, "Una Verified", "una@idp.example", verified=False),
        Somebody("nomail", 1950, "Noah Mail"),
    )
}


class WithPeople(StandIn):
    """A provider at which people have accounts. `PUT /control/people` adds one."""

    def __init__(self, everybody: Mapping[str, Somebody]) -> None:
        super().__init__()
        self.everybody = dict(everybody)

    def control(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("PUT", "/control/people"):
            person = Somebody(**asked.json())
            self.everybody[person.sub] = person
            return Answer.json({"sub": person.sub}, 201)
        return super().control(asked)


def choice(asked: Asked, provider: str, everybody: Mapping[str, Somebody]) -> Answer:
    """A form that sends everything it was asked with back, and who was chosen."""
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in asked.query.items()
    )
    buttons = "".join(
        f'<p><button name="as" value="{escape(person.sub)}">{escape(person.name)}'
        f"{f' ({escape(person.email)})' if person.email else ''}</button></p>"
        for person in everybody.values()
    )
    refuse = '<p><button name="as" value="">Refuse</button></p>'
    return Answer.html(f"{provider}: who are you?", f'<form method="post">{kept}{buttons}{refuse}</form>')


def form_post(url: str, values: Mapping[str, str]) -> Answer:
    """OAuth 2.0 Form Post Response Mode. A button and no script: the local pages' policy lets none run."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in values.items()
    )
    return Answer.html(
        "Almost done", f'<form method="post" action="{escape(url)}">{fields}<button>Continue</button></form>'
    )
