// A shared page: who is here, and where they point. Joining and beating keep a session; moves are told and not kept.
import { by, made, Refused } from "./api.js";
import { mention, renamed } from "./playground-chat.js";

const DOC = "playground";
const TELL_EVERY_MS = 100;
const STEP = 0.03;
const here = new Map();
let me = null;
let own = null;
let point = null;
let toldAt = 0;
let later = null;
let beating = null;

export async function begin(session) {
  me = session;
  await openRoom();
  await join();
  await me.hub.listen(`doc:${DOC}`, heard, join, own);
}

export async function end() {
  clearInterval(beating);
  if (own) await me.hub.rpc("presence.leave", { doc: DOC, session_id: own.session_id }).catch(() => undefined);
}

// Whoever comes first opens the room for everybody; to the others it is somebody else's already.
async function openRoom() {
  try {
    await me.ask(`/presence/rooms/${DOC}`, { method: "PUT", body: { visibility: "public", max_members: 100 } });
  } catch (error) {
    if (!(error instanceof Refused) || ![403, 404, 409, 412, 428].includes(error.status)) throw error;
  }
}

async function join() {
  const body = { client: windowName(), meta: { name: me.user.name } };
  own = await me.ask(`/presence/rooms/${DOC}/sessions`, { method: "POST", body });
  here.clear();
  for (const member of own.members) for (const one of member.sessions) arrived(one);
  draw();
  clearInterval(beating);
  beating = setInterval(beat, own.heartbeat_s * 1_000);
}

// A reload is the same window, and another tab is another one.
function windowName() {
  const known = sessionStorage.getItem("window") || crypto.randomUUID();
  sessionStorage.setItem("window", known);
  return known;
}

async function beat() {
  const state = point ? { cursor: point } : undefined;
  const path = `/presence/rooms/${DOC}/sessions/${own.session_id}/beat`;
  try {
    await me.ask(path, { method: "PUT", body: { v: Date.now(), state } });
  } catch (error) {
    if (error instanceof Refused && error.status === 404) await me.attempt(join);
  }
}

function heard(told) {
  if (told.type === "joined" || told.type === "meta") arrived(told.session || told);
  else if (told.type === "left") here.delete(told.session_id);
  else if (told.type === "cursor") for (const one of told.cursors) moved(one);
  draw();
}

function arrived(one) {
  here.set(one.session_id, { ...one, cursor: one.state?.cursor || here.get(one.session_id)?.cursor });
  if (one.meta?.name && me.names.get(one.user_id) !== one.meta.name) {
    me.names.set(one.user_id, one.meta.name);
    renamed();
  }
}

function moved({ session_id, v, cursor }) {
  const one = here.get(session_id);
  // Frames may overtake each other: the newest clock wins.
  if (!one || cursor === undefined || v < one.v) return;
  Object.assign(one, { v, cursor });
}

function draw() {
  const others = [...here.values()].filter((one) => one.session_id !== own.session_id);
  by("present").textContent = `${here.size} here`;
  by("paper").replaceChildren(...others.filter((one) => one.cursor).map(pointer));
  const people = new Map([...here.values()].map((one) => [one.user_id, one]));
  by("others").replaceChildren(...[...people.values()].map(person));
}

function pointer(one) {
  const element = made("span", { className: "pointer", textContent: me.nameOf(one.user_id) });
  element.style.background = one.color;
  element.style.left = `${one.cursor.x * 100}%`;
  element.style.top = `${one.cursor.y * 100}%`;
  return element;
}

function person(one) {
  const swatch = made("span", { className: "swatch" });
  swatch.style.background = one.color;
  const isMe = one.user_id === me.user.id;
  const button = made("button", { type: "button", disabled: isMe }, swatch, me.nameOf(one.user_id) + (isMe ? " (you)" : ""));
  button.addEventListener("click", () => mention(one.user_id));
  return made("li", {}, button);
}

// Ten times a second at most; where one came to rest is told in any case.
function tell() {
  if (!own || later) return;
  const wait = Math.max(0, toldAt + TELL_EVERY_MS - Date.now());
  later = setTimeout(async () => {
    later = null;
    toldAt = Date.now();
    const told = { doc: DOC, session_id: own.session_id, v: toldAt, cursor: point };
    const answer = await me.hub.rpc("presence.cursor", told).catch(() => null);
    if (answer && !answer.told && answer.again_ms) setTimeout(tell, answer.again_ms);
  }, wait);
}

const within = (share) => Math.min(1, Math.max(0, share));

by("paper").addEventListener("pointermove", (event) => {
  const { left, top, width, height } = by("paper").getBoundingClientRect();
  point = { x: within((event.clientX - left) / width), y: within((event.clientY - top) / height) };
  tell();
});
by("paper").addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  if (!moves[event.key]) return;
  event.preventDefault();
  const { x, y } = point || { x: 0.5, y: 0.5 };
  point = { x: within(x + moves[event.key][0]), y: within(y + moves[event.key][1]) };
  tell();
});
