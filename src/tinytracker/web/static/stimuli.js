// What is looked at while recording: a picture, a video or a page over the whole screen; the server is told when it is there.

import { ask } from "./link.js";
import { fillsScreen, goFull, leaveFull } from "./place.js";
import { state } from "./state.js";

const byId = (id) => document.getElementById(id);
const places = { image: byId("stimulus-image"), video: byId("stimulus-video"), page: byId("stimulus-page") };
let shown = -1; // its place in the list

export const isShown = () => shown >= 0;
const address = (name) => `/stimuli/${encodeURIComponent(name)}`;

/** Shows the one at a place in the list, the first one after the last. */
export async function showStimulus(place) {
  const { name, kind } = state.stimuli[(place + state.stimuli.length) % state.stimuli.length];
  await goFull();
  await settled();
  if (!fillsScreen()) {
    state.notice("This window does not fill the screen, so nobody would know where on it the picture is. Press F11, then i again.", "bad");
    return;
  }
  shown = (place + state.stimuli.length) % state.stimuli.length;
  for (const other of Object.values(places)) clear(other);
  const stage = places[kind];
  const loaded = new Promise((resolve) => {
    stage.addEventListener(kind === "video" ? "playing" : "load", resolve, { once: true });
    stage.addEventListener("error", () => state.notice(`${name} cannot be shown by this browser.`, "bad"), { once: true });
  });
  stage.src = address(name);
  stage.hidden = false;
  if (kind === "video") stage.play().catch(() => {});
  state.refreshKeys();
  await loaded;
  requestAnimationFrame(() => isShown() && ask("stimulus", { name }));
}

export const nextStimulus = (step) => showStimulus(shown + step);

export function hideStimulus() {
  if (!isShown()) return;
  shown = -1;
  for (const place of Object.values(places)) clear(place);
  leaveFull();
  ask("stimulus", { name: "" });
  state.refreshKeys();
}

/** Gives files to the server, until the sitting is over. */
export async function addStimuli(files) {
  for (const file of files) {
    const answer = await fetch(`/stimuli?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
    if (!answer.ok) {
      state.notice(await answer.text(), "bad");
      return;
    }
    state.stimuli = await answer.json();
  }
}

function clear(place) {
  place.hidden = true;
  if (place === places.video) place.pause();
  place.removeAttribute("src");
  if (place === places.video) place.load();
}

/** Two frames of the display: by then going full screen has changed the window's size. */
const settled = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
