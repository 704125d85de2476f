import json
from typing import Any

import pytest

from tessera import ids
from tessera.auth.internal import Internal
from tessera.fileinfo import look_up
from tessera.problems import Unavailable
from tessera.settings import Bindings

ANN = ids.new()


class Files:
    """`files` as its internal route answers."""

    def __init__(self, *known: str, status: int = 200) -> None:
        self.known, self.status = known, status
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        body = json.loads(event["body"])
        self.asked.append((function, event["rawPath"], body))
        items = [{"id": one, "state": "clean"} for one in body["ids"] if one in self.known]
        return {"statusCode": self.status, "body": json.dumps({"items": items})}


def calling(files: Files) -> Internal:
    names = ("AUTHFEED", "MAC_KEYS", "RATELIMIT")
    environment = {"STAGE": "test", "STACK": "tessera", "CAPABILITY": "chat", **dict.fromkeys(names, "unused")}
    return Internal("chat", Bindings(environment), files)


def test_what_the_reader_may_read_comes_back_by_its_id():
    mine, not_mine = ids.new(), ids.new()
    files = Files(mine)

    found = look_up(calling(files), [mine, not_mine], reader_id=ANN)

    assert found == {mine: {"id": mine, "state": "clean"}}
    asked = {"ids": [mine, not_mine], "on_behalf_of": ANN}
    assert files.asked == [("tessera-files", "/files/internal/resolve", asked)]


@pytest.mark.parametrize("status", [404, 429, 500])
def test_a_refusal_is_no_answer_about_a_file(status: int):
    with pytest.raises(Unavailable):
        look_up(calling(Files(status=status)), [ids.new()], reader_id=ANN)
