"""Who else is asked whether a comment is spam: a port, and whoever speaks as Akismet does behind it.

https://akismet.com/developers/detailed-docs/comment-check/: a form goes out, `true` for spam or `false` comes back.
What moderators decide otherwise goes to `submit-spam` and `submit-ham` with the same form, which is thanked for.
The key is `{"akismet": {"key": …}}` in the secret of providers, with a `base` for another service of the same tongue;
without it nothing is asked. Nobody's comment waits for a service that is slow or away.
"""

import threading
from dataclasses import dataclass
from typing import Protocol, Self
from urllib.parse import urlencode, urlsplit

from tessera import log
from tessera.providers import Providers, SecretUnread
from tessera.safehttp import FetchFailed, SafeHTTP
from tessera.settings import Bindings

from .config import BlogSettings

API = "https://rest.akismet.com"
# Opens nothing but the stand-in of the local cloud.
DEMO_KEY = "a-key-of-no-worth"
SECONDS = 1.5
# What is told of comments keeps nobody waiting.
LEARN_SECONDS = 5.0
_SPAM, _HAM, _THANKS = b"true", b"false", b"Thanks for making the web a better place."


@dataclass(frozen=True)
class Visitor:
    """Where a comment came from: the service judges by that too."""

    ip: str
    agent: str = ""
    referrer: str = ""


@dataclass(frozen=True)
class Checked:
    """A comment as it is asked about."""

    body: str
    permalink: str
    visitor: Visitor
    author: str = ""
    email: str = ""
    is_answer: bool = False


class SpamCheck(Protocol):
    def is_spam(self, comment: Checked) -> bool | None:
        """None where nobody is asked. Raises `CheckAway`."""
        ...

    def learn(self, comment: Checked, *, is_spam: bool) -> None:
        """Say what the comment is, because it was judged otherwise. Raises `CheckAway`."""
        ...


class CheckAway(Exception):
    """The service cannot be asked now, or does not take our key."""


class NoCheck:
    """Where none was set up."""

    def is_spam(self, comment: Checked) -> bool | None:
        return None

    def learn(self, comment: Checked, *, is_spam: bool) -> None:
        return


class Akismet:
    def __init__(self, web: SafeHTTP, base: str, key: str, site: str) -> None:
        self._web, self._base, self._key, self._site = web, base.rstrip("/"), key, site

    def is_spam(self, comment: Checked) -> bool:
        """1 request outside."""
        said = self._asked("comment-check", comment, SECONDS)
        if said not in (_SPAM, _HAM):
            # `invalid`, for a key that is not taken, or the page of somebody in between.
            raise CheckAway("NotUnderstood")
        return said == _SPAM

    def learn(self, comment: Checked, *, is_spam: bool) -> None:
        """1 request outside."""
        if self._asked("submit-spam" if is_spam else "submit-ham", comment, LEARN_SECONDS) != _THANKS:
            raise CheckAway("NotUnderstood")

    def _asked(self, verb: str, comment: Checked, seconds: float) -> bytes:
        form = {
            "api_key": self._key,
            "blog": self._site,
            "user_ip": comment.visitor.ip,
            "user_agent": comment.visitor.agent,
            "referrer": comment.visitor.referrer,
            "permalink": comment.permalink,
            "comment_type": "reply" if comment.is_answer else "comment",
            "comment_author": comment.author,
            "comment_author_email": comment.email,
            "comment_content": comment.body,
            "blog_charset": "UTF-8",
        }
        try:
            answer = self._web.fetch(
                f"{self._base}/1.1/{verb}",
                purpose="spam-check",
                method="POST",
                headers={"content-type": "application/x-www-form-urlencoded"},
                body=urlencode({name: value for name, value in form.items() if value}).encode(),
                max_bytes=1_000,
                connect_seconds=SECONDS,
                total_seconds=seconds,
                redirects=0,
                allow_hosts=frozenset([urlsplit(self._base).hostname or ""]),
            ).require_ok()
        except FetchFailed as error:
            raise CheckAway(type(error).__name__) from error
        return answer.body.strip()


class Spam:
    """The service of one app. It is set up on first use, because a secret must be read for that."""

    def __init__(self, web: SafeHTTP, settings: BlogSettings) -> None:
        self._web, self._settings = web, settings
        self._providers = Providers(settings.providers)
        self._lock = threading.Lock()
        self._check: SpamCheck | None = None

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(SafeHTTP), bindings.settings(BlogSettings))

    def verdict(self, comment: Checked) -> bool | None:
        """Whether the service takes it for spam; None where nobody is asked, or does not answer in time, which is
        noted in the log."""
        try:
            return self._asked().is_spam(comment)
        except CheckAway as error:
            log.line("spam-check", outcome="away", cause=str(error))
            return None

    def learn(self, comment: Checked, *, is_spam: bool) -> None:
        """Raises `CheckAway`."""
        self._asked().learn(comment, is_spam=is_spam)

    def _asked(self) -> SpamCheck:
        with self._lock:
            self._check = self._check or self._set_up()
        return self._check

    def _set_up(self) -> SpamCheck:
        settings = self._settings
        if settings.is_local and settings.stand_ins:
            return Akismet(self._web, f"{settings.stand_ins.rstrip('/')}/akismet", DEMO_KEY, settings.base)
        try:
            told = self._providers.of("akismet")
        except SecretUnread as error:
            raise CheckAway(str(error)) from error
        key, base = str(told.get("key") or ""), str(told.get("base") or API)
        return Akismet(self._web, base, key, settings.base) if key else NoCheck()
