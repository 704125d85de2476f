// A session with cookies. What is shown is what the API says: nothing about it is kept here.
import { attempt, by, call as once, demoPeople, made, offer, pause, say } from "./api.js";

let factorToken = "";
let wish = {};

// Another tab may have got the session's new cookies: this one has them too by now, and asks again.
async function call(path, method = "GET", body) {
  for (let tries = 3; ; tries -= 1) {
    try {
      return await once(path, { method, body });
    } catch (error) {
      if (error.slug !== "session-replaced" || tries === 1) throw error;
      await pause(200);
    }
  }
}

// The access cookie lives for ten minutes; a refusal by another capability is a reason to renew it, once.
async function withAccess(path, method = "GET") {
  try {
    return await call(path, method);
  } catch (error) {
    if (error.status !== 401) throw error;
    await call("/sessions/renew", "POST");
    return call(path, method);
  }
}

function show(name) {
  for (const id of ["signed-out", "factor", "signed-in"]) by(id).hidden = id !== name;
  if (name !== "signed-in") {
    by("sessions").replaceChildren();
    by("none").hidden = false;
  }
}

async function look() {
  try {
    enter(await call("/sessions/current"));
  } catch (error) {
    if (error.status !== 401) throw error;
    show("signed-out");
    return;
  }
  const { items } = await withAccess("/sessions");
  by("sessions").replaceChildren(...items.map(row));
  by("none").hidden = items.length > 0;
  const tasks = await withAccess("/tasks?limit=100");
  by("tasks-count").textContent = tasks.next ? "more than 100" : `${tasks.items.length}`;
}

function enter(session) {
  by("who").textContent = session.user.email;
  by("roles").textContent = session.user.roles.join(", ");
  by("session").textContent = session.session_id;
  by("assurance").textContent = `level ${session.aal}, by ${session.amr.join(", ")}`;
  by("ends").textContent = new Date(session.expires_at).toLocaleString();
  show("signed-in");
}

function row(session) {
  const device = session.current ? "This browser" : session.device_name || "A browser without a name";
  const seen = `last seen ${new Date(session.last_seen_at).toLocaleString()}`;
  const end = made("button", { type: "button", textContent: "End", ariaLabel: `End the session ${session.id}` });
  end.addEventListener("click", () =>
    attempt(async () => {
      await withAccess(`/sessions/${session.id}`, "DELETE");
      await look();
    }),
  );
  const name = made("strong", { textContent: device });
  return made("li", { className: "row" }, name, made("span", { className: "soft", textContent: seen }), end);
}

async function welcome(found) {
  for (const form of document.forms) form.reset();
  if (found.status === "mfa_required") {
    factorToken = found.mfa_token;
    show("factor");
    by("factor").elements.code.focus();
    return;
  }
  await look();
}

const signIn = (email, password, remember) =>
  attempt(async () => {
    wish = { remember, device_name: "the demo page" };
    await welcome(await call("/sessions/login", "POST", { email, password, ...wish }));
  });

by("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const { email, password, remember } = event.target.elements;
  signIn(email.value, password.value, remember.checked);
});

by("factor").addEventListener("submit", (event) => {
  event.preventDefault();
  const code = event.target.elements.code.value.trim();
  const method = /^[0-9]{6}$/.test(code) ? "totp" : "recovery";
  const body = { mfa_token: factorToken, method, code, ...wish };
  attempt(async () => welcome(await call("/sessions/login/mfa", "POST", body)));
});

by("renew").addEventListener("click", () =>
  attempt(async () => {
    try {
      await call("/sessions/renew", "POST");
    } catch (error) {
      if (error.status === 401) show("signed-out");
      throw error;
    }
    await look();
    say("Renewed.");
  }),
);

for (const [id, path] of [["sign-out", "/sessions/logout"], ["sign-out-all", "/sessions/logout-all"]]) {
  by(id).addEventListener("click", () =>
    attempt(async () => {
      await call(path, "POST");
      show("signed-out");
      say("Signed out.");
    }),
  );
}

// Another tab may have signed out, or in, while nobody looked at this one.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look().catch(() => undefined);
});
demoPeople()
  .then((people) => offer(people, ({ email, password }) => signIn(email, password, false)))
  .catch(() => undefined);
attempt(look);

export { call, welcome };
