// Signing in with a provider. The page keeps the verifier; whoever has only the code from the address gets nothing.
import { attempt, by, made, say } from "./api.js";
import { call, welcome } from "./sign-in.js";

const KEPT = "tessera-sign-in";
const PAGE = `${location.origin}/demo/sign-in`;
let ticket = "";
let linkTicket = "";

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

async function begin(provider) {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const started = await call(`/oauth/${provider}/start`, "POST", {
    return_to: PAGE,
    delivery: "cookie",
    exchange_challenge: base64url(new Uint8Array(digest)),
  });
  sessionStorage.setItem(KEPT, verifier);
  location.assign(started.authorization_url);
}

async function finish(found) {
  const verifier = sessionStorage.getItem(KEPT) || "";
  if (found.get("error")) {
    say(`The provider's sign-in ended with ${found.get("error")}.`, true);
    return;
  }
  const sent = { code: found.get("code"), exchange_verifier: verifier };
  if (!found.get("status")) {
    await welcome(await call("/sessions/exchange", "POST", { ...sent, device_name: "the demo page" }));
    return;
  }
  await goOn(await call("/oauth/exchange", "POST", sent));
}

async function goOn(gained) {
  by("address").hidden = gained.status !== "email_required";
  by("linking").hidden = gained.status !== "link_required";
  if (gained.status === "email_required") ticket = gained.ticket;
  if (gained.status === "link_required") {
    linkTicket = gained.link_ticket;
    say(`${gained.email_hint || "This address"} has an account. Sign in to it, then link ${gained.provider}.`);
  }
  if (gained.status === "continue") {
    const sent = { code: gained.code, exchange_verifier: sessionStorage.getItem(KEPT) || "" };
    await welcome(await call("/sessions/exchange", "POST", { ...sent, device_name: "the demo page" }));
  }
}

by("address").addEventListener("submit", (event) => {
  event.preventDefault();
  const { email, code } = event.target.elements;
  attempt(async () => {
    if (code.value) {
      await goOn(await call("/oauth/email/confirm", "POST", { ticket, code: code.value }));
      return;
    }
    await call("/oauth/email", "POST", { ticket, email: email.value });
    code.focus();
    say("A code is on its way: look into the mailbox.");
  });
});

by("link").addEventListener("click", () =>
  attempt(async () => {
    const linked = await call("/oauth/link/confirm", "POST", { link_ticket: linkTicket });
    by("linking").hidden = true;
    say(`${linked.provider} opens this account from now on.`);
  }),
);

async function offer() {
  const { items } = await call("/oauth/providers");
  for (const provider of items) {
    const button = made("button", { type: "button", textContent: provider.name });
    button.addEventListener("click", () => attempt(() => begin(provider.id)));
    by("providers").append(button);
    by("providers").hidden = false;
  }
}

const back = new URLSearchParams(location.hash.slice(1));
if (back.has("code") || back.has("error")) {
  // A code in the address would be tried again with every reload.
  history.replaceState(null, "", location.pathname);
  attempt(() => finish(back));
}
offer().catch(() => undefined);
