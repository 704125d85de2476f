"""Programs for `centrifuge` for JavaScript: how each begins, and how it is run in Node."""

import json
import os
from typing import Any

from tests.peers.npm import installed, node

PACKAGES = {"centrifuge": "5.8.0", "ws": "8.23.0"}

COMMON = """
import { Centrifuge, UnauthorizedError } from 'centrifuge';
import WebSocket from 'ws';

const [url, token, topic] = process.argv.slice(2);
const sockets = [];
class Kept extends WebSocket {
  constructor(...given) { super(...given); sockets.push(this); }
}
const client = (given = {}) => new Centrifuge(url, {
  websocket: Kept, token, minReconnectDelay: 50, maxReconnectDelay: 200, ...given,
});
const happens = (source, name, test = () => true) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error(`${name} did not happen`)), 25000);
  source.on(name, (context) => { if (test(context)) { clearTimeout(timer); resolve(context); } });
});
const say = (found) => { console.log(JSON.stringify(found)); process.exit(0); };
"""


def run(program: str, token: str, topic: str, *more: str, within: float = 60) -> dict[str, Any]:
    arguments = (os.environ["SOCKET_URL"], token, topic, *more)
    found: dict[str, Any] = json.loads(node(installed(PACKAGES), program, *arguments, within=within))
    return found
