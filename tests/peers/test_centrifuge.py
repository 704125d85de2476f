"""`centrifuge` for JavaScript, which others wrote, unmodified, in Node: it talks to our hub as to its own server."""

import os
import time
from typing import Any

from tests.kit.people import People, Person
from tests.peers.centrifuge_js import COMMON, run

TALK = (
    COMMON
    + """
const one = client(); const two = client();
const joined = [];
const subscription = one.newSubscription(topic, { joinLeave: true });
subscription.on('join', (context) => joined.push(['join', context.info.client]));
subscription.on('leave', (context) => joined.push(['leave', context.info.client]));
const received = [];
subscription.on('publication', (context) => received.push([context.offset, context.data]));
const connected = happens(one, 'connected');
const subscribed = happens(subscription, 'subscribed');
one.connect(); subscription.subscribe();
const context = await connected;
const begun = await subscribed;

const second = two.newSubscription(topic);
const second_subscribed = happens(second, 'subscribed');
const there = happens(subscription, 'join', (found) => true);
two.connect(); second.subscribe();
await second_subscribed;
const announced = await there;
for (let n = 0; n < 5; n += 1) await second.publish({ n });
await happens(subscription, 'publication', (found) => found.data.n === 4).catch(() => {});
const history = await subscription.history({ limit: 10 });
const backwards = await subscription.history({ limit: 2, reverse: true });
const position = await subscription.history({ limit: 0 });
const presence = await subscription.presence();
const stats = await subscription.presenceStats();
const time = await one.rpc('time', {});
let unknown;
try { await one.rpc('nope', {}); } catch (error) { unknown = error.code; }
let denied;
const other = one.newSubscription('user:01HZX3J0V7Q8M4N5P6R7S8T9VW');
const refused = happens(other, 'unsubscribed');
other.subscribe();
denied = (await refused).code;
const left = happens(subscription, 'leave');
second.unsubscribe();
await left;
one.disconnect();
say({
  version: context.data, transport: context.transport, recoverable: begun.recoverable,
  received, history: history.publications.map((entry) => entry.offset),
  backwards: backwards.publications.map((entry) => entry.offset), head: position.offset,
  present: Object.keys(presence.clients).length, stats, joined: joined.map((entry) => entry[0]),
  announced: !!announced.info.client, time: typeof time.data.time, unknown, denied,
});
"""
)

REFRESH = (
    COMMON
    + """
let asked = 0;
const one = client({ token: '', getToken: async () => { asked += 1; return asked === 1 ? process.argv[5] : token; } });
const connected = happens(one, 'connected');
one.connect();
const context = await connected;
const bad = client({ token: 'not.a.token' });
const ended = happens(bad, 'disconnected');
bad.connect();
const code = (await ended).code;
say({ asked, code });
"""
)

SPEAKING = """
const [base, writer] = process.argv.slice(5);
const room = topic.split(':')[1];
// Somebody says this over HTTP: the message's id and its place in the topic.
const speak = async (n) => {
  const answer = await fetch(`${base}/chat/rooms/${room}/messages`, {
    method: 'POST',
    headers: { authorization: `Bearer ${writer}`, 'content-type': 'application/json' },
    body: JSON.stringify({ text: `Message ${n}`, client_msg_id: `01HZX3J0V7Q8M4N5P6R7S8T9V${n}` }),
  });
  const said = await answer.json();
  return [said.id, said.seq];
};
const ids = [];
"""

ROOM = (
    COMMON
    + SPEAKING
    + """
const ben = client(); const ann = client({ token: writer });
const told = [];
const subscription = ben.newSubscription(topic);
subscription.on('publication', (context) => told.push(context));
const subscribed = happens(subscription, 'subscribed');
const connected = happens(ann, 'connected');
ben.connect(); subscription.subscribe(); ann.connect();
await subscribed; await connected;
const last = happens(subscription, 'publication', (found) => found.data.text === 'Message 4');
for (let n = 0; n < 5; n += 1) ids.push(await speak(n));
// What is not kept reaches only whom the delivery has let in, which the last message shows.
await last;
const typing = happens(subscription, 'publication', (found) => found.data.type === 'typing');
await ann.rpc('chat.typing', { room_id: room });
const seen = await typing;
const history = await subscription.history({ limit: 100 }).catch((error) => ({ code: error.code }));
say({
  ids,
  heard: told.filter((found) => found.data.type === 'message.created').map((found) => [found.data.id, found.offset]),
  typing: { by: seen.data.user_id, offset: seen.offset ?? null },
  head: history.offset ?? history.code,
});
"""
)

RETURN = (
    COMMON
    + SPEAKING
    + """
const ben = client();
const heard = [];
const subscription = ben.newSubscription(topic);
subscription.on('publication', (found) => {
  if (found.data.type === 'message.created') heard.push([found.data.id, found.offset]);
});
const subscribed = happens(subscription, 'subscribed');
ben.connect(); subscription.subscribe();
await subscribed;
const first = happens(subscription, 'publication', (found) => found.data.text === 'Message 0');
ids.push(await speak(0));
await first;
ben.disconnect();
for (let n = 1; n < 6; n += 1) ids.push(await speak(n));
const back = happens(subscription, 'subscribed');
const last = happens(subscription, 'publication', (found) => found.data.text === 'Message 6');
ben.connect();
const context = await back;
ids.push(await speak(6));
await last;
say({ ids, heard, recovered: context.recovered, recovering: context.wasRecovering });
"""
)

TOKENS = (
    COMMON
    + """
const [base, writer, manager] = process.argv.slice(5);
const room = topic.split(':')[1];
const post = (path, token, body) => fetch(`${base}${path}`, {
  method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify(body),
}).then((answer) => answer.json());
const user = JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).sub;
const one = client();
let asked = 0;
// As a page asks its own backend, which may manage the hub.
const getToken = async ({ channel }) => {
  asked += 1;
  const at = `/realtime/topics/${encodeURIComponent(channel)}/tokens`;
  return (await post(at, manager, { user, expires_in: 10 })).token;
};
const refused = one.newSubscription(topic);
const denied = happens(refused, 'unsubscribed');
one.connect(); refused.subscribe();
const { code } = await denied;
one.removeSubscription(refused);
const subscription = one.newSubscription(topic, { getToken });
const heard = []; const ended = [];
subscription.on('publication', (context) => heard.push(context.data.text));
subscription.on('unsubscribed', (context) => ended.push(context.code));
const subscribed = happens(subscription, 'subscribed');
subscription.subscribe();
await subscribed;
const tell = (text, n) => post(`/chat/rooms/${room}/messages`, writer, {
  text, client_msg_id: `01HZX3J0V7Q8M4N5P6R7S8T9V${n}`,
});
const until = async (test) => { while (!test()) await new Promise((go) => setTimeout(go, 50)); };
await tell('By the first', 1);
await until(() => heard.length === 1);
await until(() => asked === 2);
await tell('By the second', 2);
await until(() => heard.length === 2);
say({ code, heard, ended, asked });
"""
)


def test_two_clients_talk(people: People) -> None:
    person = people.new()

    said = run(TALK, person.tokens["access_token"], f"demo:talk-{time.time_ns()}")

    assert said["received"] == [[n + 1, {"n": n}] for n in range(5)]
    assert said["history"] == [1, 2, 3, 4, 5]
    assert said["backwards"] == [5, 4]
    assert (said["head"], said["recoverable"], said["transport"]) == (5, True, "websocket")
    assert (said["present"], said["stats"]) == (2, {"numClients": 2, "numUsers": 1})
    assert said["joined"] == ["join", "leave"]
    assert (said["announced"], said["time"], said["unknown"], said["denied"]) == (True, "number", 104, 103)


def test_an_old_token_is_exchanged_and_a_bad_one_is_final(people: People) -> None:
    person = people.new()
    token = person.tokens["access_token"]

    said = run(REFRESH, token, "demo:x", token)

    assert said == {"asked": 1, "code": 3500}


def in_a_room(program: str, ann: Person, ben: Person) -> dict[str, Any]:
    """What a program finds that listens as Ben while Ann writes."""
    made = ann.post("/chat/rooms", json={"name": "Tea", "kind": "private", "member_ids": [ben.id]})
    room = made.raise_for_status().json()["id"]
    return run(program, ben.tokens["access_token"], f"room:{room}", os.environ["BASE_URL"], ann.tokens["access_token"])


def test_reconnect_room_recovery(people: People) -> None:
    """What was said while somebody was away comes when they are back, in its order and once."""
    said = in_a_room(RETURN, people.new(), people.new())

    assert len(said["ids"]) == 7 and said["heard"] == said["ids"]
    assert (said["recovering"], said["recovered"]) == (True, True)


def test_chat_two_clients_live(people: People) -> None:
    """`chat` says it over HTTP, the socket carries it: message order is topic order, and typing is not kept."""
    ann, ben = people.new(), people.new()

    said = in_a_room(ROOM, ann, ben)

    assert said["heard"] == said["ids"]
    assert len(said["ids"]) == 5
    assert said["typing"] == {"by": ann.id, "offset": None}


def test_a_topic_is_heard_by_its_token_and_on_by_the_next(people: People) -> None:
    """Somebody who is not in a room hears it by tokens that their backend asks for, each good for ten seconds."""
    ann, guest = people.new(), people.new()
    made = ann.post("/chat/rooms", json={"name": "Tea", "kind": "private"})
    room = made.raise_for_status().json()["id"]
    tokens = (ann.tokens["access_token"], people.admin().tokens["access_token"])

    said = run(TOKENS, guest.tokens["access_token"], f"room:{room}", os.environ["BASE_URL"], *tokens)

    assert said == {"code": 103, "heard": ["By the first", "By the second"], "ended": [], "asked": 2}
