// Replay: a recording over time: what was shown, gaze, scan path, heatmap (as wide as the person's error), areas of interest.

import { state } from "../state.js";
import { drawAreas, isDrawing, measureAreas, moveArea, newArea, openAreas, placeArea, removeArea } from "./areas.js";
import { drawBackdrop, openBackdrop, shownAt } from "./backdrop.js";
import { makeHeat } from "./heat.js";

const byId = (id) => document.getElementById(id);
const canvas = byId("replay-canvas");
const pen = canvas.getContext("2d");
let session = null;
let at = 0; // seconds
let playing = false;
let last = 0;
let showsHeat = false;
let heat = null; // of the span at hand, made when it is drawn
let showsPath = true;
let span = null; // the time that path, heatmap and areas are about: while one thing was shown, or all
let recorded = null; // the gaze as it was recorded, while another calibration is shown

export const replay = {
  id: "replay",
  title: "Replay",
  async enter() {
    const answer = await fetch("/sessions");
    if (!answer.ok) return state.notice(await answer.text(), "bad");
    const list = byId("sessions");
    list.replaceChildren(
      ...(await answer.json()).map((entry) => {
        const option = document.createElement("option");
        option.value = entry.name;
        option.disabled = Boolean(entry.problem);
        option.textContent = entry.problem ? `${entry.name}: ${entry.problem}` : `${entry.name}${entry.closed ? "" : " (not closed)"}`;
        return option;
      }),
    );
    const first = [...list.options].find((option) => !option.disabled);
    byId("replay-words").textContent = first ? "Choose a recording." : "There is no recording yet; press r to make one.";
    if (!first) return undefined;
    list.value = first.value;
    return open(first.value);
  },
  leave() {
    playing = false;
  },
  back: () => placeAndMeasure(false),
  keys: () => ({
    " ": { label: playing ? "pause" : "play", act: () => play(!playing) },
    ArrowLeft: { label: "", repeats: true, act: (event) => arrow(event, -1, 0) },
    ArrowRight: { label: isDrawing() ? "place, Shift: size" : "seek", repeats: true, act: (event) => arrow(event, 1, 0) },
    ArrowUp: { label: "", repeats: true, act: (event) => arrow(event, 0, -1) },
    ArrowDown: { label: "", repeats: true, act: (event) => arrow(event, 0, 1) },
    h: { label: "heatmap", act: () => ((showsHeat = !showsHeat), draw()) },
    s: { label: "scan path", act: () => ((showsPath = !showsPath), draw()) },
    n: { label: "new area", act: () => session && (newArea(canvas.width, canvas.height), state.refreshKeys(), draw()) },
    Enter: { label: isDrawing() ? "it fits" : "", act: () => placeAndMeasure(true) },
    x: { label: "remove the last area", act: () => session && (removeArea(), keepAreas(), draw()) },
    k: { label: recorded ? "as recorded" : "calibrate again", act: () => calibrateAgain() },
    o: { label: "report", act: () => openReport() },
    e: { label: "export", act: () => exportCsv() },
  }),
};

async function open(name) {
  const answer = await fetch(`/sessions/${encodeURIComponent(name)}/data`);
  if (!answer.ok) return state.notice(await answer.text(), "bad");
  session = await answer.json();
  [at, heat, span, recorded] = [0, null, null, null];
  const screen = session.info.screen;
  [canvas.width, canvas.height] = [screen.width_points, screen.height_points];
  canvas.style.setProperty("--ratio", canvas.width / canvas.height);
  const length = duration();
  byId("time").max = length.toFixed(2);
  byId("time").step = "0.05";
  const seen = session.valid.filter(Boolean).length;
  byId("replay-words").textContent =
    `${name}: ${length.toFixed(1)} s, ${session.valid.length} frames, ${Math.round((100 * seen) / Math.max(1, session.valid.length))} % with gaze, ${count("fixation")}, ${count("blink")}.`;
  openBackdrop(session, draw);
  await openAreas(session, () => (keepAreas(false), draw()));
  draw();
  return undefined;
}

function count(kind) {
  const found = session.events.filter((event) => event.kind === kind).length;
  return `${found} ${kind}${found === 1 ? "" : "s"}`;
}
const duration = () => (session && session.time_s.length ? session.time_s[session.time_s.length - 1] : 0);

/** The expected error as a radius in pixels; without a calibration, a thirtieth of the screen, and the caption says so. */
const kernel = () => session.error_px ?? canvas.width / 30;

function play(wanted) {
  if (!session) return;
  playing = wanted;
  if (playing && at >= duration()) at = 0;
  last = performance.now();
  state.refreshKeys();
  if (playing) requestAnimationFrame(tick);
  else draw();
}

function tick(now) {
  if (!playing) return;
  at = Math.min(duration(), at + (now - last) / 1000);
  last = now;
  draw();
  if (at >= duration()) play(false);
  else requestAnimationFrame(tick);
}

function arrow(event, x, y) {
  if (!session) return;
  if (isDrawing()) moveArea(x, y, event.shiftKey);
  else at = Math.min(duration(), Math.max(0, at + x * (event.shiftKey ? 5 : 0.5)));
  draw();
}

function draw() {
  if (!session) return;
  const { width, height } = canvas;
  const unit = width / 640;
  if (!drawBackdrop(pen, at, playing)) drawGrid(width, height, unit);
  const shown = shownAt(at);
  const now = shown ?? { from_s: 0, to_s: Infinity };
  if (span?.from_s !== now.from_s || span?.to_s !== now.to_s) {
    [span, heat] = [now, null];
    keepAreas(false);
  }
  if (showsHeat) {
    heat ??= makeHeat(points(), width, height, kernel());
    pen.drawImage(heat, 0, 0, width, height);
  }
  if (showsPath) drawPath(unit);
  drawGaze(unit);
  drawAreas(pen, unit);
  byId("time").value = String(at);
  const parts = [`${at.toFixed(1)} of ${duration().toFixed(1)} s`];
  if (shown) parts.push(`path, heatmap and areas while ${shown.name} was shown`);
  if (showsHeat) parts.push(`heatmap: each frame spread by ${Math.round(kernel())} px, ${session.error_px ? "the person's own expected error" : "a guess: no calibration"}`);
  byId("replay-caption").textContent = parts.join(" · ");
}

const isInSpan = (time) => time >= span.from_s && time < span.to_s;

function points() {
  const places = session.time_s.map((time, index) => [session.x_px[index], session.y_px[index], time, session.valid[index]]);
  return places.filter(([x, , time, valid]) => valid && x !== null && isInSpan(time)).map(([x, y]) => [x, y]);
}

function drawGrid(width, height, unit) {
  pen.fillStyle = "#11151a";
  pen.fillRect(0, 0, width, height);
  pen.strokeStyle = "#29323c";
  pen.lineWidth = unit / 2;
  for (let x = 1; x < 8; x++) line((x * width) / 8, 0, (x * width) / 8, height);
  for (let y = 1; y < 5; y++) line(0, (y * height) / 5, width, (y * height) / 5);
}

function line(x1, y1, x2, y2) {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

function drawPath(unit) {
  const path = session.events.filter((event) => event.kind === "fixation" && event.x_px !== null && event.time_s <= at && isInSpan(event.time_s));
  pen.strokeStyle = "rgba(79, 209, 193, 0.7)";
  pen.lineWidth = unit;
  pen.beginPath();
  path.forEach((fixation, index) => (index ? pen.lineTo(fixation.x_px, fixation.y_px) : pen.moveTo(fixation.x_px, fixation.y_px)));
  pen.stroke();
  pen.font = `600 ${8 * unit}px system-ui, sans-serif`;
  pen.textAlign = "center";
  path.forEach((fixation, index) => {
    circle(fixation.x_px, fixation.y_px, unit * (3 + Math.sqrt(fixation.duration_ms) / 4), "rgba(15, 92, 84, 0.55)");
    pen.stroke();
    pen.fillStyle = "#ffffff";
    pen.fillText(String(index + 1), fixation.x_px, fixation.y_px + 3 * unit);
  });
}

function drawGaze(unit) {
  const shown = session.events.filter((event) => event.kind === "dot" && event.time_s <= at).pop();
  if (shown && at - shown.time_s < 3) {
    circle(shown.x_px, shown.y_px, 6 * unit, "#ffc067");
    circle(shown.x_px, shown.y_px, 2.5 * unit, "#11151a");
  }
  let index = session.time_s.findIndex((time) => time > at);
  index = (index < 0 ? session.time_s.length : index) - 1;
  if (index < 0 || !session.valid[index] || session.x_px[index] === null) return;
  circle(session.x_px[index], session.y_px[index], kernel(), "rgba(79, 209, 193, 0.2)");
  circle(session.x_px[index], session.y_px[index], 3 * unit, "#4fd1c1");
}

function circle(x, y, radius, fill) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = fill;
  pen.fill();
}

// --- areas of interest ---

function placeAndMeasure(fits) {
  if (!placeArea(fits)) return false;
  if (fits) keepAreas();
  state.refreshKeys();
  draw();
  return true;
}

function keepAreas(keep = true) {
  if (!span) return;
  measureAreas(span.from_s, Number.isFinite(span.to_s) ? span.to_s : duration() + 1, keep);
}

/** Shows the gaze by the calibration in force now, from the raw columns; once more: as it was recorded. */
async function calibrateAgain() {
  if (!session) return;
  if (recorded) {
    Object.assign(session, recorded);
    recorded = null;
  } else {
    const answer = await fetch(`/sessions/${encodeURIComponent(session.name)}/calibrated`);
    if (!answer.ok) {
      state.notice(await answer.text(), "bad");
      return;
    }
    const { id, x_px, y_px } = await answer.json();
    recorded = { x_px: session.x_px, y_px: session.y_px };
    Object.assign(session, { x_px, y_px });
    state.notice(`Calibrated again by ${id}, from the raw gaze; fixations and areas stay as recorded. To keep it: tinytracker recalibrate.`, "good");
  }
  heat = null;
  state.refreshKeys();
  draw();
}

function openReport() {
  if (session) window.open(`/sessions/${encodeURIComponent(session.name)}/report`, "_blank", "noopener");
}

function exportCsv() {
  if (!session) return;
  const link = document.createElement("a");
  link.href = `/sessions/${encodeURIComponent(session.name)}/gaze.csv`;
  link.download = `${session.name}.csv`;
  link.click();
}

byId("sessions").addEventListener("change", (event) => open(event.target.value));
byId("time").addEventListener("input", (event) => {
  at = Number(event.target.value);
  draw();
});
window.addEventListener("resize", draw);
