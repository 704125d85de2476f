// The playground: one person a window. Each part of the page is a module that is begun when somebody has signed in.
import { by, call, demoPeople, inWords, offer } from "./api.js";
import { Hub } from "./hub.js";
import * as bell from "./playground-bell.js";
import * as chat from "./playground-chat.js";
import * as paper from "./playground-paper.js";
import * as pictures from "./playground-pictures.js";

const PARTS = [chat, paper, bell, pictures];
const KEPT = "playground";
// Those who sign in with a password alone.
const PEOPLE = ["user", "support", "moderator", "admin", "owner"];
let session = null;

export function say(text, isBad = true) {
  by("said").textContent = text;
  by("said").classList.toggle("bad", isBad);
}

// The person of this window: the API as them, the hub as them, and the names of those who were met.
class Session {
  constructor({ token, user }) {
    this.token = token;
    this.user = user;
    this.names = new Map([[user.id, user.name]]);
    this.hub = new Hub(token, (state) => {
      by("connection").textContent = state;
      by("connection").className = `count ${state === "connected" ? "good" : "warn"}`;
    });
  }

  ask(path, given = {}) {
    return call(path, { ...given, as: this.token });
  }

  nameOf(userId) {
    return this.names.get(userId) || `somebody (${userId.slice(-4)})`;
  }

  // What fails is said, and nothing else stops for it.
  async attempt(work) {
    try {
      return await work();
    } catch (error) {
      say(inWords(error));
      return undefined;
    }
  }
}

async function signIn({ email, password, role }) {
  say("", false);
  try {
    const found = await call("/accounts/login", { method: "POST", body: { email, password } });
    const kept = { token: found.access_token, user: { id: found.user.id, name: role || email.split("@")[0] } };
    // Of this window alone: another one is another person.
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
    begin(kept);
  } catch (error) {
    say(inWords(error));
  }
}

function begin(kept) {
  session = new Session(kept);
  by("who").textContent = kept.user.name;
  by("signed-out").hidden = true;
  by("signed-in").hidden = by("live").hidden = false;
  for (const part of PARTS) session.attempt(() => part.begin(session));
}

by("sign-out").addEventListener("click", async () => {
  sessionStorage.removeItem(KEPT);
  await session.attempt(() => paper.end());
  session.hub.end();
  await session.attempt(() => session.ask("/accounts/logout", { method: "POST" }));
  location.reload();
});

async function offerPeople() {
  const people = await demoPeople();
  by("no-demo").hidden = people.length > 0;
  offer(people.filter(({ role }) => PEOPLE.includes(role)), signIn);
}

// A token lives for ten minutes; after that this window asks who one is again.
async function resume() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
  if (!kept) return false;
  try {
    await call("/accounts/me", { as: kept.token });
  } catch {
    sessionStorage.removeItem(KEPT);
    return false;
  }
  begin(kept);
  return true;
}

offerPeople().catch((error) => say(inWords(error)));
resume();
