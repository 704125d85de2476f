// Uploads: the bytes go straight to the store; how far they and their thumbnails are is told by the hub.
import { by, made } from "./api.js";
import * as chat from "./playground-chat.js";

const IN_WORDS = {
  uploading: "is being sent",
  uploaded: "is there",
  scanning: "is being looked at",
  clean: "is clean, thumbnails are coming",
  infected: "is refused: it has a virus",
  rejected: "is refused",
};
let me = null;

export const begin = async (session) => {
  me = session;
};

async function upload(file) {
  const shown = row(file.name);
  const type = file.type || "application/octet-stream";
  const { id, upload: way } = await me.ask("/files", {
    method: "POST",
    body: { name: file.name, size: file.size, type },
  });
  let job = "";
  me.hub.listen(`job:${id}`, (told) => {
    if (told.kind === "files.upload") shown.say(IN_WORDS[told.state] || told.state);
    if (told.kind === "files.upload" && told.state === "clean") shown.offer(id);
    if (told.kind !== "media.job") return;
    if (!job) me.hub.listen(`job:${told.job_id}`, (one) => me.attempt(() => progress(shown, one)));
    job = told.job_id;
    me.attempt(() => progress(shown, told));
  });
  await send(file, way, shown.share);
  shown.say(IN_WORDS.uploaded);
}

// `fetch` does not tell how much it has sent.
function send(file, way, share) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(way.method, way.url);
    for (const [name, value] of Object.entries(way.headers || {})) {
      // The browser counts the bytes itself, and lets nobody else.
      if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", (event) => share(event.loaded / event.total));
    request.addEventListener("load", () => (request.status < 300 ? resolve() : reject(new Error(`${request.status}`))));
    request.addEventListener("error", () => reject(new Error("The store does not answer.")));
    request.send(file);
  });
}

async function progress(shown, told) {
  shown.say(told.state === "done" ? "has its thumbnails" : `thumbnails: ${told.done} of ${told.total} (${told.state})`);
  if (!told.done) return;
  // Where an output is may be known for five minutes only, so it is asked for and never told.
  const { outputs } = await me.ask(`/media/jobs/${told.job_id}`);
  for (const output of outputs) if (output.url) shown.thumb(output);
}

function row(name) {
  const state = made("span", { className: "soft" });
  const bar = made("progress", { max: 1, value: 0 });
  const thumbs = made("div", { className: "thumbs" });
  const share = made("button", { type: "button", textContent: "Show it in the chat", hidden: true });
  const item = made("li", {}, made("strong", { textContent: name }), " ", state, bar, share, thumbs);
  by("uploads").prepend(item);
  const known = new Set();
  return {
    say: (text) => {
      state.textContent = text;
    },
    // Only what was found clean can be attached to a message.
    offer: (fileId) => {
      share.hidden = false;
      share.onclick = () => me.attempt(() => chat.share(fileId));
    },
    share: (part) => {
      bar.value = part;
      bar.hidden = part >= 1;
    },
    thumb: (output) => {
      if (known.has(output.hash)) return;
      known.add(output.hash);
      thumbs.append(made("img", { src: output.url, alt: `${name}, ${output.w} × ${output.h}`, width: output.w, height: output.h }));
    },
  };
}

by("upload").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = by("file");
  const [file] = field.files;
  if (!file) return;
  field.value = "";
  me.attempt(() => upload(file));
});
