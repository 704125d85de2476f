"""Akismet's comment check: is this spam. https://akismet.com/developers/detailed-docs/comment-check/ and, for what it
is told of comments afterwards, …/submit-spam-missed-spam/ and …/submit-ham-false-positives/

Spam is what its own documentation names for tests, the author `akismet-guaranteed-spam` or the address
`akismet-guaranteed-spam@example.com`, and any text with one of the words of `PUT /control/words`. `GET /control/taught`
has what was submitted, by its text; unlike the service it learns nothing from that, so that no test changes what
another is told. Faults: `check` and `submit` are a status, `html` or `huge`.
"""

from localstack.stand_ins.wire import Answer, Asked, StandIn, broken

NAME, ADDRESS = "akismet-guaranteed-spam", "akismet-guaranteed-spam@example.com"
THANKS = "Thanks for making the web a better place."
# What can be asked, and what its fault is called.
VERBS = {"comment-check": "check", "submit-spam": "submit", "submit-ham": "submit"}
KINDS = frozenset(["comment", "reply", "forum-post", "blog-post", "contact-form", "signup", "message"])


class Akismet(StandIn):
    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.words: frozenset[str] = frozenset(["guaranteed-spam"])
        self.taught: dict[str, bool] = {}

    def say(self, asked: Asked) -> Answer:
        verb = asked.path.removeprefix("/1.1/")
        if asked.method != "POST" or verb not in VERBS or verb == asked.path:
            return _text("not found", 404)
        spoiled = broken(str(self.fault(VERBS[verb]) or ""))
        if spoiled:
            return spoiled
        if not asked.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return _help('Empty "blog" value')
        form = asked.form
        if form.get("api_key") != self.key:
            return _help("We were unable to parse your API key")
        for name in ("blog", "user_ip"):
            if not form.get(name):
                return _help(f'Empty "{name}" value')
        if form.get("comment_type", "comment") not in KINDS:
            return _help("Unknown comment type")
        said = form.get("comment_content", "")
        if VERBS[verb] == "submit":
            self.taught[said] = verb == "submit-spam"
            return _text(THANKS)
        named = form.get("comment_author") == NAME or form.get("comment_author_email") == ADDRESS
        return _text("true" if named or self.words & set(said.lower().split()) else "false")

    def control(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("PUT", "/control/words"):
            self.words = frozenset(asked.json() or [])
            return Answer.json(sorted(self.words))
        if (asked.method, asked.path) == ("GET", "/control/taught"):
            return Answer.json(self.taught)
        return super().control(asked)


def _text(said: str, status: int = 200, why: str = "") -> Answer:
    headers = {"content-type": "text/plain; charset=utf-8", **({"x-akismet-debug-help": why} if why else {})}
    return Answer(status, headers, said.encode())


def _help(said: str) -> Answer:
    """It answers a request it does not take with 200, and says why in a header."""
    return _text("invalid", why=said)
