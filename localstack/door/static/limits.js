// The limits page: asks as often as it is told, and shows both limits fall and recover.
import { by, demoPeople, made, say } from "./api.js";

const SHOWN = 12;
const ACROSS_MS = 60_000;
const WIDTH = 300;
const HEIGHT = 80;
const past = { asked: [], own: [] };
let running = 0;
let sent = 0;
let refused = 0;

// `"key:default";r=97;t=1` of the RateLimit header, and `q` of its policy: the first limit of each.
function figures(headers) {
  const one = (text, name) => Number((text || "").match(new RegExp(`;${name}=(\\d+)`))?.[1] ?? NaN);
  const state = headers.get("ratelimit");
  return { text: state || "", left: one(state, "r"), again: one(state, "t") };
}

function show(name, left, most, told) {
  const meter = by(name);
  const known = past[name].reduce((highest, [, value]) => Math.max(highest, value), 1);
  meter.max = Math.max(most || 0, known, left);
  meter.value = left;
  meter.low = meter.max / 4;
  by(`${name}-said`).textContent = told;
  past[name].push([performance.now(), left]);
  draw(name, meter.max);
}

function draw(name, most) {
  const now = performance.now();
  const line = past[name].filter(([at]) => now - at <= ACROSS_MS);
  past[name] = line;
  const place = ([at, value]) => `${(WIDTH - ((now - at) / ACROSS_MS) * WIDTH).toFixed(1)},${(HEIGHT - 2 - (value / most) * (HEIGHT - 4)).toFixed(1)}`;
  by(`${name}-line`).setAttribute("points", line.map(place).join(" "));
}

function row(cells, isRefused) {
  const told = cells.map((cell) => made("td", { textContent: cell }));
  by("answers").prepend(made("tr", { className: isRefused ? "bad" : "" }, ...told));
  while (by("answers").children.length > SHOWN) by("answers").lastChild.remove();
  by("none").hidden = true;
  by("count").textContent = `${sent} sent, ${refused} refused`;
}

async function ask(form, session) {
  const number = (name) => Number(form.elements[name].value);
  const body = { namespace: "demo", key: "console", limit: number("limit"), period_s: number("period_s"), burst: number("burst") };
  const answer = await fetch("/ratelimit/check", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${form.elements.key.value}` },
    body: JSON.stringify(body),
  });
  if (session !== running) return;
  const found = await answer.json().catch(() => ({}));
  const own = figures(answer.headers);
  const isRefused = answer.status === 429 || found.allowed === false;
  sent += 1;
  refused += isRefused;
  if (!Number.isNaN(own.left)) show("own", own.left, 0, `${own.left} left, full in ${own.again} s`);
  if (answer.ok) {
    const wait = found.retry_after_ms ? `, come back in ${found.retry_after_ms} ms` : "";
    show("asked", found.remaining, body.burst, `${found.remaining} of ${body.burst} left${wait}`);
  } else if (answer.status !== 429) {
    throw new Error(found.detail || found.title || `It answered ${answer.status}.`);
  }
  const again = answer.headers.get("retry-after") ? `${answer.headers.get("retry-after")} s` : found.retry_after_ms ? `${found.retry_after_ms} ms` : "";
  row([new Date().toLocaleTimeString(), answer.status, answer.ok ? String(found.allowed) : "", found.remaining ?? "", again, own.text], isRefused);
}

// Looking on takes nothing from what is looked at: a dry run, and the limits as they stand.
async function watch(form, session) {
  const headers = { authorization: `Bearer ${form.elements.key.value}` };
  const [own, asked] = await Promise.all(
    ["/ratelimit/me", "/ratelimit/buckets/demo/console"].map((path) => fetch(path, { headers }).then((answer) => answer.json())),
  );
  if (session !== running) return true;
  const [mine] = own.policies?.[0]?.limits ?? [];
  const [theirs] = asked.buckets?.find((bucket) => bucket.policy === `inline/${form.elements.period_s.value}`)?.limits ?? [];
  if (mine) show("own", mine.remaining, 0, `${mine.remaining} left, full in ${Math.ceil(mine.reset_after_ms / 1000)} s`);
  if (theirs) show("asked", theirs.remaining, 0, `${theirs.remaining} left, full in ${Math.ceil(theirs.reset_after_ms / 1000)} s`);
  // Each look is a request too, so that the caller's own limit never seems quite full.
  return !theirs || theirs.reset_after_ms === 0;
}

function stop(form) {
  running += 1;
  by("start").disabled = false;
  by("stop").disabled = true;
  const session = running;
  say("Stopped. The limits recover.");
  const look = async () => {
    if (session !== running) return;
    try {
      if (await watch(form, session)) return say(session === running ? "All that was asked about is there again." : "");
    } catch {
      return;
    }
    setTimeout(look, 1000);
  };
  setTimeout(look, 500);
}

by("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  running += 1;
  const session = running;
  by("start").disabled = true;
  by("stop").disabled = false;
  say("");
  const tick = () => {
    if (session !== running) return;
    ask(form, session).catch((error) => {
      if (session !== running) return;
      stop(form);
      say(error instanceof TypeError ? "The stack does not answer." : error.message, true);
    });
    setTimeout(tick, 1000 / Number(form.elements.rate.value));
  };
  tick();
});
by("stop").addEventListener("click", () => stop(by("ask")));

async function offerDemo() {
  const user = (await demoPeople()).find((one) => one.api_key);
  if (user && !by("ask").elements.key.value) by("ask").elements.key.value = user.api_key;
}
offerDemo().catch(() => undefined);
