"""What is told of an exported room."""

from typing import Annotated

from pydantic import Field

from tessera.types import Instant, Out


class RoomFileOut(Out):
    """The file has a JSON object on each line: the room, its members, its messages in order, and an end.

    A message of the room comes before what was said below it, which has its number there as `thread_n`. A file
    without the line `end` is not whole.
    """

    url: Annotated[str, Field(max_length=8_192)]
    expires_at: Instant
    size_bytes: int
    members: int
    messages: int
    replies: int
