// The home page: signing in, the links of mails, and the health of each capability.
import { attempt as attemptWithin, by, call, demoPeople, made, offer, pause, Refused, say } from "./api.js";
import { searchAs } from "./search.js";

let token = "";
let waiting = null;
const post = (path, given = {}) => call(path, { method: "POST", ...given });

function show(name) {
  for (const id of ["signed-out", "code", "link", "signed-in"]) by(id).hidden = id !== name;
}

const attempt = (work) => attemptWithin(work, by("account"));

async function enter(answer) {
  token = answer.access_token;
  searchAs(token);
  by("who").textContent = answer.user.email;
  by("roles").textContent = answer.user.roles.join(", ");
  by("tasks").replaceChildren();
  for (const form of document.forms) if (by("account").contains(form)) form.reset();
  show("signed-in");
  try {
    const { items } = await call("/tasks?limit=5", { as: token });
    by("tasks").replaceChildren(...items.map(taskRow));
    if (!items.length) say("This user has no tasks yet.");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

function taskRow(task) {
  const title = made("span", { textContent: task.title });
  return made("li", {}, title, made("span", { className: "soft", textContent: task.status }));
}

const signIn = (email, password) => attempt(async () => enter(await post("/accounts/login", { body: { email, password } })));

by("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(event.target.email.value, event.target.password.value);
});

by("sign-up").addEventListener("click", () => {
  const form = by("sign-in");
  if (!form.reportValidity()) return;
  attempt(async () => {
    const body = { email: form.email.value, password: form.password.value };
    waiting = (await post("/accounts/sign-up", { body })).sign_up_id;
    show("code");
    say("A mail with a code is on its way.");
    by("code").elements.code.focus();
  });
});

by("code").addEventListener("submit", (event) => {
  event.preventDefault();
  const body = { sign_up_id: waiting, code: event.target.elements.code.value };
  attempt(async () => enter(await post("/accounts/sign-up/verify", { body })));
});

by("forgot").addEventListener("click", () => {
  const { email } = by("sign-in");
  if (!email.reportValidity()) return;
  attempt(async () => {
    await post("/accounts/password/forgot", { body: { email: email.value } });
    say("If the address has an account, a mail with a link is on its way.");
  });
});

by("sign-out").addEventListener("click", () =>
  attempt(async () => {
    const old = token;
    token = "";
    searchAs("");
    show("signed-out");
    await post("/accounts/logout", { as: old });
  }),
);

by("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(token);
    say("The access token is in the clipboard.");
  } catch {
    say(token);
  }
});

// The links of mails carry their secret in the fragment, which no server sees.
const LINKS = {
  verify: {
    text: "Confirm your address with the password you chose when you signed up.",
    go: async (secret, password) => enter(await post("/accounts/sign-up/verify", { body: { token: secret, password } })),
  },
  reset: {
    text: "Choose a new password. Every session ends; sign in with it afterwards.",
    go: async (secret, password) => {
      await post("/accounts/password/reset", { body: { token: secret, password } });
      by("link").reset();
      show("signed-out");
      say("The password is changed. Sign in with it.");
    },
  },
};

function followLink() {
  const [name, secret] = location.hash.slice(1).split("=", 2);
  const link = Object.hasOwn(LINKS, name) && secret ? LINKS[name] : null;
  if (!link) return;
  history.replaceState(null, "", "/");
  by("link-said").textContent = link.text;
  show("link");
  by("link").onsubmit = (event) => {
    event.preventDefault();
    attempt(() => link.go(secret, event.target.password.value));
  };
  by("link").password.focus();
}

// One capability after the other: a function that nobody uses may rest, and is not woken all the time for this page.
const FEW = 12;
const PAUSE_MS = 3000;

async function ask(row) {
  const state = row.querySelector(".state");
  const began = performance.now();
  let up = false;
  try {
    const answer = await fetch(`/${row.dataset.capability}/health`, { signal: AbortSignal.timeout(20_000) });
    up = answer.ok;
    state.textContent = up ? `up, ${Math.round(performance.now() - began)} ms` : `answers ${answer.status}`;
  } catch {
    state.textContent = "does not answer";
  }
  row.classList.toggle("up", up);
  row.classList.toggle("down", !up);
}

async function watch() {
  const rows = [...document.querySelectorAll("[data-capability]")];
  for (let isFirst = true; rows.length; isFirst = false) {
    for (const row of rows) {
      if (!document.hidden) await ask(row);
      if (!isFirst || rows.length > FEW) await pause(PAUSE_MS);
    }
  }
}

followLink();
addEventListener("hashchange", followLink);
demoPeople()
  .then((people) => offer(people, ({ email, password }) => signIn(email, password)))
  .catch(() => undefined);
watch();
