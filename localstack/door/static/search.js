// The search box: what everybody may find, and after signing in what is one's own as well.
import { by, call, inWords, made } from "./api.js";

const SUGGEST_AFTER_MS = 150;
let token = "";
let waiting = null;

export function searchAs(given) {
  token = given;
  if (by("hits")) clear();
}

function clear() {
  by("hits").replaceChildren();
  by("corrected").hidden = true;
  by("found").textContent = "";
}

// A snippet comes escaped, and its highlights are places in it.
function plain(escaped) {
  const template = document.createElement("template");
  template.innerHTML = escaped;
  return template.content.textContent;
}

function marked({ snippet = "", highlights = [] }) {
  const parts = [];
  let at = 0;
  for (const { offset, length } of highlights) {
    const end = offset + length;
    parts.push(plain(snippet.slice(at, offset)), made("mark", { textContent: plain(snippet.slice(offset, end)) }));
    at = end;
  }
  return [...parts, plain(snippet.slice(at))];
}

function row(hit) {
  const title = made("strong", { textContent: hit.title });
  const kind = made("span", { className: "soft", textContent: ` ${hit.type}` });
  return made("li", { className: "hit" }, title, kind, made("p", { className: "soft" }, ...marked(hit)));
}

async function search(query) {
  clear();
  try {
    const asked = new URLSearchParams({ q: query, highlight: "1", limit: "10" });
    const found = await call(`/search?${asked}`, { as: token });
    by("hits").replaceChildren(...found.items.map(row));
    const { value, relation } = found.total;
    by("found").textContent = value ? `${relation === "gte" ? "at least " : ""}${value} found` : "nothing found";
    const instead = found.corrections.map(({ meant }) => meant).join(" ");
    by("corrected").hidden = !instead;
    by("corrected").textContent = instead ? `Did you mean ${instead}?` : "";
  } catch (error) {
    by("found").textContent = inWords(error);
  }
}

async function suggest(query) {
  const asked = new URLSearchParams({ q: query });
  const { terms, titles } = await call(`/search/suggest?${asked}`, { as: token });
  const values = new Set([...titles.map(({ title }) => title), ...terms]);
  by("suggested").replaceChildren(...[...values].map((value) => made("option", { value })));
}

if (by("search")) {
  by("search").addEventListener("submit", (event) => {
    event.preventDefault();
    search(by("query").value.trim());
  });
  by("query").addEventListener("input", () => {
    clearTimeout(waiting);
    const query = by("query").value.trim();
    if (query.length > 1) waiting = setTimeout(() => suggest(query).catch(() => undefined), SUGGEST_AFTER_MS);
  });
}
