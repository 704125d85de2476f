// A public room that everybody who comes here joins. What is said goes over HTTP; what is heard comes from the hub.
import { by, made, Refused } from "./api.js";

const NAME = "Playground";
const SHOWN = 50;
const TYPING_EVERY_MS = 3_000;
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const messages = new Map();
const typing = new Map();
const links = new Map();
let me = null;
let room = null;
let toldAt = 0;

export async function begin(session) {
  me = session;
  room = await entered();
  // Listening comes before reading, so that nothing falls between the two.
  await session.hub.listen(`room:${room.id}`, heard, read);
  await read();
  by("chat-room").textContent = room.name;
}

async function entered() {
  try {
    return await me.ask("/chat/rooms", { method: "POST", body: { name: NAME, kind: "public" } });
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 409) throw error;
  }
  const { items } = await me.ask(`/chat/rooms?public=1&q=${NAME.toLowerCase()}`);
  const found = items.find((one) => one.name === NAME);
  await me.ask(`/chat/rooms/${found.id}/members/me`, { method: "PUT" });
  return found;
}

async function read() {
  const { items } = await me.ask(`/chat/rooms/${room.id}/messages?limit=${SHOWN}`);
  for (const message of items) keep(message);
  draw();
}

function heard(told) {
  if (told.type === "message.created" || told.type === "message.edited") {
    typing.delete(told.author_id);
    keep(told);
    draw();
  } else if (told.type === "message.attachments" && messages.has(told.id)) {
    keep({ ...messages.get(told.id), attachments: told.attachments });
    draw();
  } else if (told.type === "message.cards" && messages.has(told.id)) {
    keep({ ...messages.get(told.id), cards: told.cards });
    draw();
  } else if (told.type === "typing" && told.user_id !== me.user.id) {
    typing.set(told.user_id, Date.now() + 5_000);
    drawTyping();
  }
}

function keep(message) {
  const known = messages.get(message.id);
  if (!known || known.version <= message.version) messages.set(message.id, message);
}

function draw() {
  const shown = [...messages.values()].filter((one) => one.n && !one.thread_n && !one.deleted_at);
  shown.sort((one, other) => one.n - other.n);
  by("messages").replaceChildren(...shown.slice(-SHOWN).map(line));
  by("messages").scrollTop = by("messages").scrollHeight;
  drawTyping();
}

function line(message) {
  const isMine = message.author_id === me.user.id;
  const text = message.text.replace(/<@([0-9A-Z]{26})>/g, (_, id) => `@${me.nameOf(id)}`);
  const author = made("strong", { textContent: me.nameOf(message.author_id) });
  const cards = (message.cards ?? []).map(card);
  const pictures = (message.attachments ?? []).map((one) => attached(message, one));
  const words = made("span", { textContent: text });
  return made("li", { className: isMine ? "mine" : "" }, author, words, ...pictures, ...cards);
}

function attached(message, { id, name, state, thumb }) {
  if (!thumb || state !== "ready") return made("span", { className: "soft", textContent: name });
  const picture = made("img", { alt: name, width: thumb.w, height: thumb.h });
  // Where it is may be known for five minutes only, so it is asked for once and kept as long as the page shows it.
  const at = `/chat/rooms/${room.id}/messages/${message.id}/attachments/${id}/thumb`;
  if (!links.has(id)) links.set(id, me.attempt(() => me.ask(at)));
  links.get(id).then((found) => {
    if (found) picture.src = found.url;
  });
  return picture;
}

// A file of one's own, said to everybody here.
export async function share(fileId) {
  const body = { text: "", client_msg_id: ulid(), attachments: [fileId] };
  keep(await me.ask(`/chat/rooms/${room.id}/messages`, { method: "POST", body }));
  draw();
}

function card({ url, title, description, image }) {
  const picture = image ? [made("img", { src: image, alt: "", loading: "lazy" })] : [];
  const words = made("span", {}, made("strong", { textContent: title }), made("span", { textContent: description ?? "" }));
  return made("a", { className: "page-card", href: url, target: "_blank", rel: "noopener noreferrer" }, ...picture, words);
}

function drawTyping() {
  const names = [...typing].filter(([, until]) => until > Date.now()).map(([id]) => me.nameOf(id));
  by("typing").textContent = names.length ? `${names.join(", ")} ${names.length > 1 ? "are" : "is"} typing …` : "";
}

// Somebody's name into the message: it is sent as an id, and shown as a name.
export function mention(userId) {
  const field = by("text");
  field.value = `${field.value}${field.value && !field.value.endsWith(" ") ? " " : ""}<@${userId}> `;
  field.focus();
}

// Names are learnt from the document; what was drawn without them is drawn again.
export const renamed = () => room && draw();

function ulid() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  let [rest, time] = ["", Date.now()];
  for (let place = 0; place < 10; place += 1, time = Math.floor(time / 32)) rest = ALPHABET[time % 32] + rest;
  return rest + [...random].map((byte) => ALPHABET[byte % 32]).join("");
}

by("speak").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = by("text");
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  me.attempt(async () => {
    const body = { text, client_msg_id: ulid() };
    try {
      keep(await me.ask(`/chat/rooms/${room.id}/messages`, { method: "POST", body }));
      draw();
    } catch (error) {
      field.value = field.value || text;
      throw error;
    }
  });
});

by("text").addEventListener("input", () => {
  if (!room || Date.now() - toldAt < TYPING_EVERY_MS) return;
  toldAt = Date.now();
  me.hub.rpc("chat.typing", { room_id: room.id }).catch(() => undefined);
});
setInterval(() => room && drawTyping(), 1_000);
