// The reference page: Swagger UI on our document, and a sign-in whose token its requests carry.
"use strict";

const form = document.getElementById("sign-in");
const said = document.getElementById("said");
const who = document.getElementById("who");
const signOut = document.getElementById("sign-out");
const reference = document.getElementById("reference");
let renewal;

const ui = SwaggerUIBundle({
  url: reference.dataset.document,
  domNode: reference,
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail || found.title || `It answered ${answer.status}.`);
  return found;
}

function carry(tokens) {
  ui.preauthorizeApiKey("bearer", tokens.access_token);
  clearTimeout(renewal);
  if (!tokens.refresh_token) return;
  const seconds = Math.max(30, (tokens.expires_in || 600) - 60);
  renewal = setTimeout(async () => {
    try {
      carry(await post("/accounts/token/refresh", { refresh_token: tokens.refresh_token }));
    } catch {
      leave("The session has ended. Sign in again.");
    }
  }, seconds * 1000);
}

function leave(message) {
  clearTimeout(renewal);
  ui.authActions.logout(["bearer"]);
  form.classList.remove("signed-in");
  signOut.hidden = true;
  who.textContent = "Sign in to try requests";
  said.textContent = message;
}

async function signIn(email, password) {
  said.textContent = "";
  try {
    carry(await post("/accounts/login", { email, password }));
    form.classList.add("signed-in");
    form.reset();
    signOut.hidden = false;
    who.textContent = `Signed in as ${email}`;
  } catch (error) {
    said.textContent = error.message;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(form.email.value, form.password.value);
});
signOut.addEventListener("click", () => leave(""));

// Only the local stack has demo users; elsewhere there is nothing at this address.
fetch("/demo.json", { headers: { accept: "application/json" } })
  .then((answer) => (answer.ok ? answer.json() : { users: [] }))
  .catch(() => ({ users: [] }))
  .then(({ users }) => {
    const place = document.getElementById("demo");
    place.hidden = !users.length;
    for (const user of users) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `as ${user.role}`;
      button.title = user.email;
      button.addEventListener("click", () => signIn(user.email, user.password));
      place.append(button);
    }
  });
