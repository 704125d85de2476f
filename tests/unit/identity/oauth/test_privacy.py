"""What somebody is told of the providers that open their account, and that nothing of it is left."""

import base64
from typing import Any

from mangum import Mangum

from tests.kit.privacy import told_then_gone

from .conftest import World
from .test_erasure import signed_in


def test_everything_of_a_user_is_told_and_then_gone(world: World) -> None:
    me = signed_in(world)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answer: dict[str, Any] = Mangum(world.app(), lifespan="off")(event, context)  # type: ignore[arg-type]
        return {**answer, "body": base64.b64decode(answer["body"])} if answer["isBase64Encoded"] else answer

    told = told_then_gone("oauth", handler, world.table, me)

    assert [(one["provider"], one["email_at_link"]) for one in told["identity"]] == [("idp", "ada@idp.example")]
