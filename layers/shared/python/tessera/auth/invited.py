"""What `accounts` asks whoever invites people, where nobody signs up without being invited."""

from typing import Annotated

from pydantic import Field

from tessera.types import In, Out


class InvitedIn(In):
    """What the mail's link holds, and the address somebody signs up with."""

    token: Annotated[str, Field(min_length=1, max_length=200)]
    email: Annotated[str, Field(min_length=3, max_length=320)]


class InvitedOut(Out):
    invited: bool
