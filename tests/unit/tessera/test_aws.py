from threading import Barrier

import botocore.session

from tessera import aws
from tests.kit.races import together


def test_who_asks_at_once_shares_one_client(monkeypatch):
    """A client takes tens of milliseconds to make: a process with many threads would stand still."""
    made, create = [], botocore.session.Session.create_client
    at_once = Barrier(20)

    def counting(session, *given, **named):
        made.append(given)
        return create(session, *given, **named)

    def ask():
        at_once.wait()
        return aws.client("dynamodb", endpoint="http://one.test")

    monkeypatch.setattr(botocore.session.Session, "create_client", counting)

    clients = {id(result.value) for result in together(ask, times=20)}

    assert len(clients) == len(made) == 1
