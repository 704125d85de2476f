// What the pages share: asking the API, saying what came of it, and making elements.
export const by = (id) => document.getElementById(id);
export const made = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// A problem document, in words for a person.
export class Refused extends Error {
  constructor(status, problem) {
    const faults = (problem.errors || []).map((fault) => fault.detail || "").join(" ");
    const title = problem.title ? `${problem.title}.` : `It answered ${status}.`;
    super([title, problem.detail, faults].filter(Boolean).join(" "));
    this.status = status;
    this.slug = (problem.type || "").replace("/problems/", "");
  }
}

export async function call(path, { method = "GET", body, as = "", headers = {} } = {}) {
  const sent = { accept: "application/json", ...headers };
  if (body) sent["content-type"] = "application/json";
  if (as) sent.authorization = `Bearer ${as}`;
  const answer = await fetch(path, { method, headers: sent, body: body && JSON.stringify(body) });
  const text = await answer.text();
  const isJson = (answer.headers.get("content-type") || "").includes("json");
  const found = text && isJson ? JSON.parse(text) : null;
  if (!answer.ok) throw new Refused(answer.status, found || {});
  return found;
}

export const inWords = (error) => (error instanceof Refused ? error.message : "The stack does not answer.");

export function say(text, isBad = false) {
  by("said").textContent = text;
  by("said").classList.toggle("bad", isBad);
}

// One thing at a time: the buttons rest until it is over, and what goes wrong is said. Those there are by then wake up,
// because the work may have made others.
export async function attempt(work, within = document) {
  const enable = (isOn) => {
    for (const button of within.querySelectorAll("button")) button.disabled = !isOn;
  };
  enable(false);
  say("");
  try {
    await work();
  } catch (error) {
    say(inWords(error), true);
  } finally {
    enable(true);
  }
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// The people of the demo data; nobody where there is none.
export async function demoPeople() {
  const answer = await fetch("/demo.json");
  return answer.ok ? (await answer.json()).users : [];
}

// A button for each of them, which signs them in.
export function offer(people, signIn) {
  const buttons = people.map((person) => {
    const button = made("button", { type: "button", textContent: person.role, title: person.email });
    button.addEventListener("click", () => signIn(person));
    return button;
  });
  by("demo").append(...buttons);
  if (buttons.length) by("demo").hidden = false;
}
