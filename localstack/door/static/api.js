// What the pages share: asking the API, and making elements.
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
