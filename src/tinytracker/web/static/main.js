// The page: six screens, one at a time, all by keyboard. What is shown here is what the server says; it keeps the state.

import { camera } from "./screens/camera.js";
import { check } from "./screens/check.js";
import { dots } from "./screens/dots.js";
import { live } from "./screens/live.js";
import { record } from "./screens/record.js";
import { replay } from "./screens/replay.js";
import { beginDrawing, showGaze, take } from "./gaze.js";
import { listen, nameOf, showKeys } from "./keys.js";
import { ask, connect, enter, link, measureClock, on } from "./link.js";
import { screenOfPage, watchPlace } from "./place.js";
import { state } from "./state.js";

const screens = [camera, dots, check, live, record, replay];
const byId = (id) => document.getElementById(id);
let shown = null;

const everywhere = {
  r: { label: "record", act: () => record.toggle() },
  "?": { label: "keys", act: () => help() },
  Escape: { label: "back", act: () => back() },
};
for (let number = 1; number <= 9; number++) {
  everywhere[String(number)] = { label: "", act: () => state.recording.on && ask("trigger", { name: String(number) }) };
}

/** Shows a screen; its heading gets the focus, so that Space is its main action. */
export function go(id, ...parameters) {
  const next = screens.find((screen) => screen.id === id);
  shown?.leave?.();
  shown = next;
  for (const screen of screens) byId(screen.id).hidden = screen !== next;
  for (const button of byId("steps").querySelectorAll("button")) {
    if (button.dataset.screen === id) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  }
  document.title = `${next.title} · tinytracker`;
  showGaze(next.showsGaze === true);
  next.enter?.(...parameters);
  showKeys(byId("keys"));
  byId(`${id}-title`).focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

state.go = go;
state.refreshKeys = () => showKeys(byId("keys"));

function back() {
  if (shown.back?.()) return;
  const place = screens.indexOf(shown);
  if (place > 0) go(screens[place - 1].id);
}

function help() {
  const list = byId("help-keys");
  list.replaceChildren();
  for (const [key, entry] of Object.entries({ ...everywhere, ...shown.keys() })) {
    if (!entry.label) continue;
    const cap = document.createElement("dt");
    const words = document.createElement("dd");
    const kbd = document.createElement("kbd");
    kbd.textContent = nameOf(key);
    cap.append(kbd);
    words.textContent = entry.label;
    list.append(cap, words);
  }
  const digits = document.createElement("dt");
  const digitWords = document.createElement("dd");
  const kbd = document.createElement("kbd");
  kbd.textContent = "1–9";
  digits.append(kbd);
  digitWords.textContent = "a trigger, while recording";
  list.append(digits, digitWords);
  byId("help").showModal();
}

let noticeEnds = 0;

/** A line under the header: "good", "poor" (by default) or "bad"; stays for `ms`, or until the next one. */
export function notice(words, kind = "poor", ms = 8000) {
  const place = byId("notice");
  place.className = `notice ${kind}`;
  place.textContent = words;
  place.hidden = !words;
  clearTimeout(noticeEnds);
  if (words && ms) noticeEnds = setTimeout(() => (place.hidden = true), ms);
}

state.notice = notice;

function makeSteps() {
  for (const screen of screens) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.screen = screen.id;
    button.textContent = screen.title;
    button.addEventListener("click", () => go(screen.id));
    item.append(button);
    byId("steps").append(item);
  }
}

function markDone(id, done) {
  byId("steps").querySelector(`[data-screen=${id}]`).classList.toggle("done", done);
}

on("open", () => {
  ask("page", screenOfPage());
  measureClock();
});
on("hello", (message) => {
  Object.assign(state, { demo: message.demo, model: message.model, browserCamera: message.browser_camera, streamingKey: message.streaming_key, stimuli: message.stimuli, cameras: message.cameras, cameraSource: message.camera.source });
  state.screen = message.screen ?? state.screen;
  state.calibration = message.calibration;
  state.smoothing = message.smoothing;
  state.smoothings = message.smoothings;
  state.streams = message.streams;
  byId("demo-mark").hidden = !message.demo;
  cameraProblem(message.camera.problem);
  if (message.check.sentence) check.show(message.check);
  markDone("check", message.calibration.on);
  if (!shown && message.thorough) document.querySelector("input[name=thorough][value='1']").checked = true;
  if (!shown) go("camera");
});
on("screen", (message) => {
  state.screen = message;
  shown?.screenChanged?.();
});
on("calibration", (message) => {
  state.calibration = message;
  markDone("check", message.on);
  markDone("dots", message.on);
  shown?.calibrationChanged?.();
});
on("gaze", (message) => {
  take(message, performance.now());
  shown?.gaze?.(message);
});
on("lamps", (message) => {
  state.drift = message.drift;
  state.recording.frames = message.recorded;
  showRecording();
  shown?.lamps?.(message);
});
on("camera", (message) => cameraProblem(message.problem));
on("recording", (message) => {
  state.recording = message;
  showRecording();
  record.changed();
});
on("recorded", (message) => notice(`Recorded ${message.frames} frames as ${message.name}.`, "good"));
on("recording_lost", (message) => notice(message.why, "bad", 0));
on("saved", (message) => notice(`Saved: ${message.path}`, "good"));
on("error", (message) => {
  record.failed();
  notice(message.why, "bad");
});
on("dots_failed", (message) => notice(`That did not work: ${message.why}.`, "bad", 0));
on("closed", (event) => {
  const words = {
    4403: "This page has no access. Open the address that the command printed.",
    4409: "Another page has this sitting.",
    4410: "Another page has taken over.",
    4429: "The connection was closed: too many messages.",
  };
  notice(words[event.code] ?? "No connection to tinytracker; trying again. If you stopped it, close this page.", "bad", 0);
  if (event.code === 4409 || event.code === 4410) offerTakeOver(words[event.code]);
});

function cameraProblem(problem) {
  state.cameraProblem = problem;
  if (problem) notice(`${problem[0].toUpperCase()}${problem.slice(1)}${/[.?!]$/.test(problem) ? "" : "."}`, "poor", 0);
  else if (!byId("notice").classList.contains("bad")) notice("");
}

function offerTakeOver(words) {
  const button = document.createElement("button");
  button.type = "button";
  button.id = "take-over";
  button.textContent = "Use it here";
  button.addEventListener("click", () => {
    notice("");
    connect(true);
  });
  byId("notice").replaceChildren(`${words} `, button);
  button.focus();
}

function showRecording() {
  const { on: isOn, name, frames } = state.recording;
  byId("recording").hidden = !isOn;
  byId("recording-text").textContent = isOn ? `${name} · ${frames}` : "";
}

byId("help-close").addEventListener("click", () => byId("help").close());
makeSteps();
listen(() => (shown ? [shown.keys(), everywhere] : [everywhere]));
watchPlace(() => ask("page", screenOfPage()));
beginDrawing();
setInterval(() => link.socket?.readyState === WebSocket.OPEN && measureClock(), 30000);
if (await enter()) connect();
else notice("This address is of another run. Open the one that the command printed.", "bad", 0);
