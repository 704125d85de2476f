"""What `files` answers the blog, as far as the blog can tell it from the real one."""

import json
from typing import Any

from tessera import ids


class Files:
    """Files of people, to their owners. With `silent`, nothing is answered."""

    def __init__(self) -> None:
        self.there, self.silent = dict[str, dict[str, Any]](), False
        self.asked: list[list[str]] = []

    def add(self, owner_id: str, media_type: str = "image/png", state: str = "clean") -> str:
        file_id = ids.new()
        told = {"id": file_id, "owner_id": owner_id, "name": "a.png", "type": media_type, "size": 10, "state": state}
        self.there[file_id] = {**told, "etag": "x", "n": 1, "role": "owner"}
        return file_id

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        assert (function, event["rawPath"]) == ("tessera-files", "/files/internal/resolve")
        if self.silent:
            return {"statusCode": 503, "body": "{}"}
        asked = json.loads(event["body"])
        assert len(asked["ids"]) <= 100
        self.asked.append(asked["ids"])
        found = [self.there[one] for one in asked["ids"] if one in self.there]
        shown = [_shown(one) for one in found if asked["on_behalf_of"] in (one["owner_id"], one.get("viewer"))]
        return {"statusCode": 200, "body": json.dumps({"items": shown})}


def _shown(file: dict[str, Any]) -> dict[str, Any]:
    clean = file["state"] == "clean"
    return {**file, "bucket": "files-clean" if clean else None, "key": f"k/{file['id']}" if clean else None}
