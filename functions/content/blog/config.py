"""What `blog` is told."""

from typing import Literal

from tessera.auth.settings import AuthSettings

Switch = Literal["on", "off"]


class BlogSettings(AuthSettings):
    table: str
    queue: str = ""
    bucket: str = ""
    blog_open: Switch = "on"
    conduit: Switch = "off"
    # The secret with the credentials of providers, and where a laptop serves stand-ins of those.
    providers: str = ""
    stand_ins: str = ""
    # Words that make a comment suspicious, parted by blanks.
    banned_words: str = "casino viagra payday-loan replica-watches"

    @property
    def everybody_publishes(self) -> bool:
        return self.blog_open == "on"

    @property
    def base(self) -> str:
        """Where links point: from the configuration, never from a request's Host."""
        return (self.public_base_url or self.issuer).rstrip("/")
