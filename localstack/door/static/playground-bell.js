// The bell: what is new comes over the hub, and the count is the server's.
import { by, made } from "./api.js";

const SHOWN = 6;
let me = null;
let items = [];

export async function begin(session) {
  me = session;
  await session.hub.listen(`user:${me.user.id}`, heard, read);
  await read();
}

async function read() {
  const [page, counts] = await Promise.all([me.ask(`/notifications?limit=${SHOWN}`), me.ask("/notifications/count")]);
  items = page.items;
  draw(counts.unread);
}

function heard(told) {
  if (String(told.kind || "").startsWith("notification.")) me.attempt(read);
}

function draw(unread) {
  by("unread").textContent = unread;
  by("unread").hidden = !unread;
  by("bell-empty").hidden = items.length > 0;
  by("bell").replaceChildren(...items.map(row));
}

function row(one) {
  const title = made("span", { className: one.read ? "soft" : "", textContent: one.title });
  const button = made("button", { type: "button", className: "quiet", textContent: "Read", hidden: one.read });
  button.addEventListener("click", () =>
    me.attempt(async () => {
      await me.ask(`/notifications/${one.id}/read`, { method: "PUT" });
      await read();
    }),
  );
  return made("li", { className: "pairing" }, made("div", {}, title, made("p", { className: "soft", textContent: one.body })), button);
}

by("read-all").addEventListener("click", () =>
  me.attempt(async () => {
    if (items.length) await me.ask("/notifications/read-all", { method: "POST", body: { before_id: items[0].id } });
    await read();
  }),
);
