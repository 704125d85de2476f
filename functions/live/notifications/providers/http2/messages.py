"""What is asked by HTTP/2, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from h2 import events
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from tessera.safehttp import Fetched

from ..outcomes import Failed, Unsure
from ..wire import MAX_BYTES


class NotProcessed(Failed):
    """The request did not get out whole, or the server says that it has not looked at it (RFC 9113 8.7)."""


@dataclass(frozen=True)
class Request:
    authority: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def head(self) -> list[tuple[str, str]]:
        asked = {":method": "POST", ":scheme": "https", ":authority": self.authority, ":path": self.path}
        return [*asked.items(), *self.headers.items()]


@dataclass
class Answer:
    stream: int
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: bytes = b""
    is_whole: bool = False

    @property
    def is_cut(self) -> bool:
        return len(self.body) > MAX_BYTES

    def take(self, event: events.Event) -> None:
        """What is said of the stream. Raises `NotProcessed`, `Unsure`, `ProtocolError`."""
        match event:
            case events.ResponseReceived(headers=headers):
                for name, value in headers:
                    self.headers.setdefault(str(name), []).append(str(value))
                if not "".join(self.headers[":status"]).isdecimal():
                    raise ProtocolError("The status is not a number.")
            case events.DataReceived(data=data):
                self.body += data
                self.is_whole = self.is_cut
            case events.StreamEnded():
                self.is_whole = True
            case events.StreamReset(error_code=ErrorCodes.REFUSED_STREAM):
                raise NotProcessed("stream-refused")
            case events.StreamReset():
                raise Unsure("stream-reset")
            case events.ConnectionTerminated(last_stream_id=last) if (last or 0) < self.stream:
                raise NotProcessed("going-away")

    def fetched(self, request: Request) -> Fetched:
        headers = {name: ", ".join(values) for name, values in self.headers.items()}
        url = f"https://{request.authority}{request.path}"
        return Fetched(int(headers.pop(":status")), headers, self.body[:MAX_BYTES], url, truncated=self.is_cut)
