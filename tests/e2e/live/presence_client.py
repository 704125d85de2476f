"""A client of one document, as a process of its own, so that it can be killed: `presence_client.py URL TOKEN DOC`.

It joins, listens from the position it was given, and keeps what it sees by the rules that every client goes by: the log
says who is here, and of two cursors of one session the one with the greater clock stands. Each line on its input is a
cursor to move to; each line on its output is all that it knows by then.
"""

import itertools
import json
import sys
import threading
import time
from typing import Any

from websockets.sync.client import ClientConnection, connect


class Client:
    def __init__(self, socket: ClientConnection, doc: str) -> None:
        self.socket, self.doc = socket, doc
        self.numbers, self.lock = itertools.count(1), threading.Lock()
        self.replies: dict[int, dict[str, Any]] = {}
        self.replied = threading.Condition()
        self.here: set[str] = set()
        self.cursors: dict[str, tuple[int, Any]] = {}
        self.session, self.v = "", 0

    def ask(self, method: str, /, **body: Any) -> dict[str, Any]:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, method: body}))
        with self.replied:
            assert self.replied.wait_for(lambda: number in self.replies, timeout=20), f"{method} was not answered"
            found = self.replies.pop(number)
        assert method in found, found
        return dict(found[method])

    def call(self, method: str, /, **data: Any) -> dict[str, Any]:
        return dict(self.ask("rpc", method=f"presence.{method}", data={"doc": self.doc, **data})["data"])

    def read(self) -> None:
        for frame in self.socket:
            for line in str(frame).split("\n"):
                self.take(json.loads(line))

    def take(self, said: dict[str, Any]) -> None:
        if said.get("id"):
            with self.replied:
                self.replies[said["id"]] = said
                self.replied.notify_all()
        elif not said:
            self.socket.send("{}")
        elif "pub" in said.get("push", {}):
            self.hear(said["push"]["pub"]["data"])

    def hear(self, told: dict[str, Any]) -> None:
        with self.lock:
            if told["type"] in ("joined", "meta"):
                self.here.add(told["session"]["session_id"])
            elif told["type"] == "left":
                self.here.discard(told["session_id"])
            for one in told.get("cursors", ()):
                if one["v"] > self.cursors.get(one["session_id"], (0, None))[0]:
                    self.cursors[one["session_id"]] = (one["v"], one.get("cursor"))
            self.show()

    def show(self) -> None:
        cursors = {name: cursor for name, (_, cursor) in sorted(self.cursors.items()) if name in self.here}
        print(json.dumps({"session": self.session, "here": sorted(self.here), "cursors": cursors}), flush=True)

    def begin(self, token: str) -> None:
        self.ask("connect", token=token)
        joined = self.call("join", client="this-process")
        with self.lock:
            self.session = joined["session_id"]
            self.here |= {one["session_id"] for member in joined["members"] for one in member["sessions"]}
        position = {"recover": True, "epoch": joined["epoch"], "offset": joined["offset"]}
        reply = self.ask("subscribe", channel=joined["topic"], **position)
        for publication in reply.get("publications", ()):
            self.hear(publication["data"])
        with self.lock:
            self.show()

    def move(self, cursor: dict[str, Any]) -> None:
        """Say where one is until it is told: what came too soon is said again a moment later."""
        while True:
            self.v = max(self.v + 1, time.time_ns() // 1_000_000)
            answer = self.call("cursor", session_id=self.session, cursor=cursor, v=self.v)
            if answer["told"]:
                return
            # The server says how long.
            time.sleep(answer["again_ms"] / 1_000)


def main(url: str, token: str, doc: str) -> None:
    with connect(url, max_size=None) as socket:
        client = Client(socket, doc)
        threading.Thread(target=client.read, daemon=True).start()
        client.begin(token)
        for line in sys.stdin:
            client.move(json.loads(line))


if __name__ == "__main__":
    main(*sys.argv[1:])
