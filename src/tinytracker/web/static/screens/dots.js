// Dots: how many and how, then a grey screen with one dot at a time. The server says which; this page says when it is there.

import { ask, on } from "../link.js";
import { goFull, leaveFull, screenOfPage, toScreen } from "../place.js";
import { state } from "../state.js";
import { showPicture, takePictures } from "./dotpictures.js";

const byId = (id) => document.getElementById(id);
const dot = byId("dot");
let running = false;
let purpose = "";
let returnTo = "dots";

const counts = { 1: "quick", 3: "", 5: "usual", 9: "", 13: "most exact", one: "followed for 15 s" };
for (const [count, words] of Object.entries(counts)) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "count", value: count, checked: count === "5" });
  const text = document.createElement("span");
  text.textContent = count === "one" ? "moving" : count;
  if (words) {
    const small = document.createElement("small");
    small.textContent = words;
    text.append(small);
  }
  label.append(input, text);
  byId("dot-counts").append(label);
}
const chosen = (name) => document.querySelector(`input[name=${name}]:checked`).value;

export const dots = {
  id: "dots",
  title: "Dots",
  enter() {
    this.calibrationChanged();
  },
  calibrationChanged() {
    byId("keep-stored").hidden = !state.calibration.on;
    state.refreshKeys();
  },
  keys: () =>
    running
      ? stageKeys
      : {
          " ": { label: "show the dots", act: () => (chosen("count") === "one" ? begin("pursuit") : begin("dots", { dots: Number(chosen("count")), pace: chosen("pace") })) },
          ...(state.calibration.on && { k: { label: "go on with the one in force", act: () => state.go("live") } }),
          u: { label: "go on without", act: () => (ask("no_calibration"), state.go("live")) },
        },
  back: () => false,
};

const stageKeys = {
  " ": { label: "", act: () => ask("accept") },
  Escape: { label: "", act: () => stop() },
};

/** Shows what the server then sends: `command` is "dots", "pursuit", "check", "redo" or "recentre"; afterwards back to `to`. */
export async function begin(command, fields = {}, to = "dots") {
  if (running) return;
  running = true;
  returnTo = to;
  byId("stage").hidden = false;
  dot.hidden = true;
  byId("stage-words").textContent = "";
  document.activeElement?.blur();
  if (command !== "recentre") await goFull();
  ask("page", screenOfPage());
  ask(command, fields);
}

export const isShowing = () => running;
export const showingKeys = () => stageKeys;

function stop() {
  ask("stop_dots");
  end();
  state.go(returnTo);
}

function end() {
  running = false;
  byId("stage").hidden = true;
  leaveFull();
}

/** A page that was reloaded in the middle goes on with what is shown. */
function resume(to) {
  if (running) return;
  running = true;
  returnTo = to;
  state.go(to);
  byId("stage").hidden = false;
}

let round = null; // of the moving dot
const TELL_EVERY_MS = 50;
on("pursuit", (message) => {
  resume("dots");
  purpose = "calibration";
  round = message.number;
  byId("stage-words").textContent = "follow the dot with your eyes · Esc stops";
  dot.hidden = false;
  dot.classList.remove("arriving");
  let began = null;
  let told = -Infinity;
  const draw = (now) => {
    if (!running || round !== message.number) return;
    began ??= now;
    const share = Math.min((now - began) / 1000 / message.seconds, 1);
    const at = share * (message.path.length - 1);
    const [before, after] = [message.path[Math.floor(at)], message.path[Math.ceil(at)]];
    const [x, y] = [0, 1].map((axis) => before[axis] + (after[axis] - before[axis]) * (at % 1));
    dot.style.left = `${x * innerWidth}px`;
    dot.style.top = `${y * innerHeight}px`;
    if (now - told >= TELL_EVERY_MS || share === 1) {
      told = now;
      const place = toScreen(x * innerWidth, y * innerHeight);
      ask("pursuit_shown", { number: round, x: place.x, y: place.y, over: share === 1 });
    }
    if (share < 1) requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
});

on("dot", (message) => {
  resume(message.purpose === "recentre" ? "live" : "dots");
  round = null;
  purpose = message.purpose;
  const [x, y] = [message.x * innerWidth, message.y * innerHeight];
  dot.style.left = `${x}px`;
  dot.style.top = `${y}px`;
  showPicture(message.number);
  dot.hidden = false;
  dot.classList.remove("arriving");
  const done = message.of - message.left + (message.again ? 0 : 1);
  const which = message.again ? `once more: ${message.why}` : `${done} of ${message.of}`;
  const how = message.pace === "space" ? "look at it, then Space" : "look at its centre";
  byId("stage-words").textContent = `${purpose === "check" ? "check " : ""}${which} · ${how} · Esc stops`;
  requestAnimationFrame(() => {
    dot.classList.add("arriving");
    requestAnimationFrame(() => {
      const place = toScreen(x, y);
      ask("dot_shown", { number: message.number, x: place.x, y: place.y });
    });
  });
});
on("fitted", (message) => {
  state.refused = message.refused;
  ask("check", { thorough: chosen("thorough") === "1" });
});
on("checked", (message) => {
  end();
  state.go("check", message);
});
on("recentred", (message) => {
  end();
  const figures = `off by ${message.before_deg.toFixed(1)}° before at that dot, ${message.after_deg.toFixed(1)}° now`;
  if (message.is_far) state.notice(`Re-centred a little: ${figures}. So much is no drift: press c once more, or do the dots anew.`);
  else state.notice(`Re-centred: ${figures}. Undo with z.`, "good");
});
on("dots_failed", () => {
  if (!running) return;
  end();
  state.go(returnTo);
});
on("dots_over", () => running && end());

for (const id of ["dot-pictures", "dot-folder"]) byId(id).addEventListener("change", (event) => takePictures([...event.target.files]));
