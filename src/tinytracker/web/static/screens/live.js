// Live: the gaze over the page, what it is worth, drift and re-centring, sharing. In the demo, the dot the person looks at.

import { showGaze, view } from "../gaze.js";
import { ask, link, on } from "../link.js";
import { toScreen } from "../place.js";
import { sizeIsKnown, state } from "../state.js";
import { begin, isShowing, showingKeys } from "./dots.js";

const byId = (id) => document.getElementById(id);
const personDot = byId("person-dot");
const REST_MS = 2200;
const STEP_PX = 60;
const target = { x: 0.5, y: 0.5, wanders: true, timer: 0 };
const rate = { frames: 0, since: 0, value: 0, latency: [] };
let readings = {};
let shownAt = 0;

export const live = {
  id: "live",
  title: "Live",
  showsGaze: true,
  enter() {
    makeReadings();
    fillChoices();
    this.calibrationChanged();
    if (state.demo) {
      personDot.hidden = false;
      wander();
    }
  },
  leave() {
    clearTimeout(target.timer);
    personDot.hidden = true;
  },
  keys() {
    if (isShowing()) return showingKeys();
    const keys = {
      " ": { label: "go on", act: () => state.go("record") },
      c: { label: "re-centre", act: () => begin("recentre", {}, "live") },
      z: { label: state.calibration.can_undo ? "undo it" : "", act: () => ask("undo") },
      g: { label: "gaze on/off", act: () => showGaze(!view.on) },
      l: { label: "LSL", act: () => toggle("lsl") },
      x: { label: "WebSocket", act: () => toggle("websocket") },
      d: { label: "UDP", act: () => toggle("udp") },
    };
    if (!state.demo) return keys;
    return {
      ...keys,
      ArrowLeft: { label: "", repeats: true, act: () => step(-1, 0) },
      ArrowRight: { label: "move the dot", repeats: true, act: () => step(1, 0) },
      ArrowUp: { label: "", repeats: true, act: () => step(0, -1) },
      ArrowDown: { label: "", repeats: true, act: () => step(0, 1) },
      p: { label: "sit down anew", act: () => ask("posture") },
    };
  },
  gaze(message) {
    const now = performance.now();
    rate.frames += 1;
    if (link.offsetMs !== null) rate.latency.push(now - (message.t + link.offsetMs));
    if (now - rate.since > 1000) {
      rate.value = (rate.frames * 1000) / (now - rate.since);
      [rate.frames, rate.since] = [0, now];
    }
    byId("live-words").textContent = message.x === null ? `No gaze: ${message.why}` : "";
    byId("demo-words").hidden = !state.demo || message.x === null;
    if (now - shownAt < 200) return;
    shownAt = now;
    show(message);
  },
  lamps() {
    const words = state.drift;
    byId("drift").hidden = !words;
    byId("drift").textContent = words ? `${words[0].toUpperCase()}${words.slice(1)}: press c and look at the dot.` : "";
  },
  calibrationChanged() {
    const { on: isOn, sentence, dots, stale } = state.calibration;
    const words = isOn ? sentence || `Calibrated by ${dots} dot${dots === 1 ? "" : "s"}, not checked.` : "Not calibrated: expect to be off by several centimetres.";
    byId("undo").hidden = !state.calibration.can_undo;
    state.refreshKeys();
    if (readings.calibration) readings.calibration.textContent = stale.length ? `${words} Stale: ${stale.join("; ")}.` : words;
  },
};

function makeReadings() {
  const names = { gaze: "gaze", angle: "from the camera", distance: "distance", error: "expected error", rate: "frames", calibration: "calibration" };
  byId("readings").replaceChildren();
  readings = {};
  for (const [name, words] of Object.entries(names)) {
    const term = document.createElement("dt");
    readings[name] = document.createElement("dd");
    term.textContent = words;
    byId("readings").append(term, readings[name]);
  }
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null;
}

function show(message) {
  readings.gaze.textContent = message.x === null ? "–" : `${Math.round(message.x)}, ${Math.round(message.y)} px`;
  readings.angle.textContent = message.deg ? `${message.deg[0].toFixed(1)}°, ${message.deg[1].toFixed(1)}°` : "–";
  readings.distance.textContent = message.d ? `${Math.round(message.d)} cm` : "–";
  readings.error.textContent = message.r === null ? "not known" : errorWords(message.r);
  const late = median(rate.latency.splice(0));
  readings.rate.textContent = `${Math.round(rate.value)}/s${late === null ? "" : `, ${Math.round(late)} ms old`}`;
}

function errorWords(px) {
  const cm = (px * state.screen.width_cm) / state.screen.width_px;
  return sizeIsKnown() ? `${cm.toFixed(1)} cm, ${Math.round(px)} px` : `${Math.round(px)} px`;
}

// --- the demo's dot ---

function placeTarget() {
  const [x, y] = [target.x * innerWidth, target.y * innerHeight];
  personDot.style.transform = `translate(${x}px, ${y}px)`;
  const place = toScreen(x, y);
  ask("look_at", place);
}

function wander() {
  clearTimeout(target.timer);
  if (isShowing()) {
    target.timer = setTimeout(wander, REST_MS); // the person looks at the dot of a re-centring
    return;
  }
  if (target.wanders) {
    target.x = 0.1 + 0.8 * Math.random();
    target.y = 0.15 + 0.7 * Math.random();
  }
  placeTarget();
  if (target.wanders) target.timer = setTimeout(wander, REST_MS);
}

function step(x, y) {
  target.wanders = false;
  clearTimeout(target.timer);
  target.x = Math.min(0.98, Math.max(0.02, target.x + (x * STEP_PX) / innerWidth));
  target.y = Math.min(0.98, Math.max(0.02, target.y + (y * STEP_PX) / innerHeight));
  placeTarget();
}

// --- smoothing and sharing ---

function fillChoices() {
  byId("smoothings").replaceChildren(
    ...state.smoothings.map((name) => {
      const label = document.createElement("label");
      const input = document.createElement("input");
      Object.assign(input, { type: "radio", name: "smoothing", value: name, checked: state.smoothing === name });
      input.addEventListener("change", () => ask("smoothing", { name }));
      label.append(input, name);
      return label;
    }),
  );
  const kinds = {
    lsl: ["Lab Streaming Layer", "on your local network"],
    websocket: ["WebSocket and /overlay", "for OBS and programs on this machine"],
    udp: ["UDP", "JSON to 127.0.0.1:4243"],
  };
  byId("shares").replaceChildren(
    ...Object.entries(kinds).map(([kind, [words, where]]) => {
      const label = document.createElement("label");
      const input = document.createElement("input");
      Object.assign(input, { type: "checkbox", id: `share-${kind}`, checked: state.streams.includes(kind) });
      input.addEventListener("change", () => ask("stream", { kind, on: input.checked }));
      const text = document.createElement("span");
      const small = document.createElement("small");
      small.textContent = where;
      text.append(words, small);
      label.append(input, text);
      return label;
    }),
  );
  showStreams();
}

function toggle(kind) {
  ask("stream", { kind, on: !state.streams.includes(kind) });
}

function showStreams() {
  for (const kind of ["lsl", "websocket", "udp"]) {
    const box = byId(`share-${kind}`);
    if (box) box.checked = state.streams.includes(kind);
  }
  const key = state.streamingKey;
  const addresses = state.streams.includes("websocket") ? [`ws://${location.host}/stream?key=${key}`, `http://${location.host}/overlay#${key}`] : [];
  byId("share-words").replaceChildren(
    ...addresses.map((address) => {
      const code = document.createElement("code");
      code.textContent = address;
      return code;
    }),
  );
}

on("streams", (message) => {
  state.streams = message.on;
  showStreams();
});
on("smoothing", (message) => (state.smoothing = message.name));
on("recentre_undone", () => state.notice("The re-centring is taken back.", "good"));
