"""An answer of the emulator in one write: its server makes two, and whoever asked is woken for each."""

from typing import Any

from uvicorn.protocols.http import httptools_impl


class _Joined:
    """A transport that keeps what is written to it first until there is more."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._kept: bytes | None = None

    def write(self, data: bytes) -> None:
        if self._kept is None:
            self._kept = data
        else:
            self._transport.write(self._kept + data)
            self._kept = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Cycle(httptools_impl.RequestResponseCycle):
    async def send(self, message: Any) -> None:
        # After the head of an answer to HEAD nothing else is written.
        if message["type"] == "http.response.start" and self.scope["method"] != "HEAD":
            self.transport = _Joined(self.transport)  # type: ignore[assignment]
        await super().send(message)


def for_each_answer() -> None:
    httptools_impl.RequestResponseCycle = _Cycle  # type: ignore[misc]
