// The connection to the server: entering with the token, messages by type, how its clock stands to ours.

const handlers = new Map();

export const link = { socket: null, offsetMs: null, jitterMs: null };

/** Calls `action(message)` for every message of a type. */
export function on(type, action) {
  if (!handlers.has(type)) handlers.set(type, []);
  handlers.get(type).push(action);
}

function emit(type, message) {
  for (const action of handlers.get(type) ?? []) action(message);
}

/** Asks the server for something; false if there is no connection. */
export function ask(command, fields = {}) {
  if (link.socket?.readyState !== WebSocket.OPEN) return false;
  link.socket.send(JSON.stringify({ do: command, ...fields }));
  return true;
}

/** Exchanges the token in the address for the cookie; the address then holds it no longer. */
export async function enter() {
  const token = location.hash.slice(1);
  if (!token) return true; // reloaded: the cookie is there
  const answer = await fetch("/enter", { method: "POST", body: JSON.stringify({ token }) });
  history.replaceState(null, "", location.pathname);
  return answer.ok;
}

/** Connects, and again when the connection is lost; `take` takes the sitting over from another page. */
export function connect(take = false) {
  const socket = new WebSocket(`ws://${location.host}/ws${take ? "?take=1" : ""}`);
  socket.binaryType = "blob";
  link.socket = socket;
  socket.onopen = () => emit("open", {});
  socket.onmessage = (event) => {
    if (typeof event.data === "string") {
      const message = JSON.parse(event.data);
      emit(message.type, message);
    } else emit("preview", event.data);
  };
  socket.onclose = (event) => {
    emit("closed", event);
    if (event.code === 1006 || event.code === 1001 || event.code === 1012) setTimeout(connect, 1000);
  };
}

/** Measures the server's clock by eight ping-pongs; the shortest says most. Our time = its time + offset. */
export async function measureClock() {
  const rounds = [];
  for (let round = 0; round < 8; round++) {
    const sent = performance.now();
    const pong = await new Promise((resolve) => {
      pending = resolve;
      if (!ask("ping", { t: sent })) resolve(null);
      setTimeout(() => resolve(null), 1000);
    });
    if (pong === null || pong.t !== sent) continue;
    const back = performance.now();
    rounds.push({ trip: back - sent, offset: (sent + back) / 2 - pong.ours });
  }
  if (!rounds.length) return;
  rounds.sort((one, other) => one.trip - other.trip);
  link.offsetMs = rounds[0].offset;
  link.jitterMs = rounds[0].trip / 2;
  ask("clock", { offset_ms: link.offsetMs, jitter_ms: link.jitterMs });
}

let pending = () => {};
on("pong", (message) => pending(message));
