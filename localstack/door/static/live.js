// Times in the reader's own zone, and parts of a page that renew themselves: those with `data-live="seconds"` and an id.
const parts = [...document.querySelectorAll("[data-live][id]")].map((part) => part.id);

function localise() {
  const today = new Date().toDateString();
  for (const time of document.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const clock = moment.toLocaleTimeString();
    time.textContent = moment.toDateString() === today ? clock : `${moment.toLocaleDateString()} ${clock}`;
  }
}

async function renew() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of parts) {
    const [old, made] = [document.getElementById(id), fresh.getElementById(id)];
    // Not under somebody's focus, which would be lost.
    if (old && made && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(made));
  }
  localise();
}

localise();
if (parts.length) {
  const seconds = Math.min(...parts.map((id) => Number(document.getElementById(id).dataset.live)));
  const again = () => setTimeout(() => renew().catch(() => undefined).finally(again), seconds * 1000);
  again();
}
