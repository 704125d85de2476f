// A small client of the hub: the Centrifuge protocol, version 2, in JSON. It comes back by itself after a lost socket,
// and asks then for what it has missed. Real clients use `centrifuge` from npm; this page has no build step.
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 8_000;
const RETRY_MS = 500;

const since = ({ epoch, offset }) => (epoch ? { recover: true, epoch, offset } : {});

export class Hub {
  #socket = null;
  #token;
  #tell;
  #number = 0;
  #waiting = new Map();
  #topics = new Map();
  #pause = FIRST_PAUSE_MS;
  #given = {};
  #isIn = false;
  #isOver = false;

  // `tell` hears "connecting", "connected" and "lost".
  constructor(token, tell) {
    this.#token = token;
    this.#tell = tell;
    this.#open();
  }

  // `heard` gets each publication's data; `missed` is called when what was lost cannot be had from the hub any more.
  // `from` is a position that is known from elsewhere. The promise is kept once nothing more can be missed.
  listen(topic, heard, missed = () => undefined, { epoch = "", offset = 0 } = {}) {
    return new Promise((listening) => {
      this.#topics.set(topic, { heard, missed, listening, epoch, offset, isGiven: false });
      if (!this.#isIn) return;
      if (this.#given[topic]) this.#begun(topic, this.#given[topic], true);
      else this.#subscribe(topic);
    });
  }

  leave(topic) {
    if (this.#topics.delete(topic) && this.#isIn) {
      this.#ask("unsubscribe", { channel: topic }).catch(() => undefined);
    }
  }

  async rpc(method, data) {
    return (await this.#ask("rpc", { method, data })).data;
  }

  end() {
    this.#isOver = true;
    this.#socket?.close();
  }

  #open() {
    this.#tell("connecting");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/live`, "centrifuge-json");
    this.#socket = socket;
    socket.addEventListener("open", async () => {
      try {
        const kept = [...this.#topics].filter(([, one]) => one.isGiven).map(([topic, one]) => [topic, since(one)]);
        const { subs = {} } = await this.#ask("connect", { token: this.#token, name: "playground", subs: Object.fromEntries(kept) });
        this.#pause = FIRST_PAUSE_MS;
        this.#given = subs;
        this.#isIn = true;
        this.#tell("connected");
        for (const topic of this.#topics.keys()) {
          // One's own topic comes with the connection.
          if (subs[topic]) this.#begun(topic, subs[topic], true);
          else this.#subscribe(topic);
        }
      } catch {
        socket.close();
      }
    });
    socket.addEventListener("message", ({ data }) => {
      for (const line of data.split("\n")) if (line.trim()) this.#take(JSON.parse(line));
    });
    socket.addEventListener("close", () => {
      this.#isIn = false;
      for (const { reject } of this.#waiting.values()) reject(new Error("The socket was lost."));
      this.#waiting.clear();
      if (this.#isOver) return;
      this.#tell("lost");
      setTimeout(() => this.#isOver || this.#open(), this.#pause * (0.5 + Math.random()));
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    });
  }

  #ask(method, body) {
    this.#number += 1;
    const id = this.#number;
    this.#socket.send(JSON.stringify({ id, [method]: body }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject, method }));
  }

  async #subscribe(topic) {
    const kept = this.#topics.get(topic);
    try {
      this.#begun(topic, await this.#ask("subscribe", { channel: topic, ...since(kept) }));
    } catch (error) {
      // Without a code the socket is gone, and the next one asks again.
      if (error.temporary) setTimeout(() => this.#isIn && this.#topics.has(topic) && this.#subscribe(topic), RETRY_MS);
      else if (error.code) console.warn(`${topic}: ${error.message}`);
    }
  }

  #begun(topic, found, isGiven = false) {
    const kept = this.#topics.get(topic);
    if (!kept) return;
    if (kept.epoch && !found.recovered) kept.missed();
    if (!kept.epoch || !found.recovered) kept.offset = found.offset || 0;
    Object.assign(kept, { isGiven, epoch: found.epoch || "" });
    for (const publication of found.publications || []) this.#hear(topic, publication);
    kept.listening();
  }

  #take(reply) {
    if (reply.id) {
      const asked = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.error) asked?.reject(Object.assign(new Error(reply.error.message), reply.error));
      else asked?.resolve(reply[asked.method] || {});
    } else if (reply.push?.pub) {
      this.#hear(reply.push.channel, reply.push.pub);
    } else if (reply.push?.disconnect) {
      this.#isOver = reply.push.disconnect.code >= 3500;
    } else if (!Object.keys(reply).length) {
      // A ping: whoever does not answer is taken for gone.
      this.#socket.send("{}");
    }
  }

  #hear(topic, publication) {
    const kept = this.#topics.get(topic);
    if (!kept) return;
    // What is told without being kept has no offset.
    if (publication.offset) {
      if (publication.offset <= kept.offset) return;
      kept.offset = publication.offset;
    }
    kept.heard(publication.data);
  }
}
