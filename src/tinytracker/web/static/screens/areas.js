// Areas of interest in Replay: drawn by keyboard or read from a JSON file, measured by the server and kept with the recording.

import { state } from "../state.js";

const byId = (id) => document.getElementById(id);
const STEP = 20;
let session = null;
let areas = [];
let drawing = null;
let redraw = () => {};

/** A recording is open: with the areas that are kept with it. */
export async function openAreas(opened, again) {
  [session, areas, drawing, redraw] = [opened, [], null, again];
  byId("areas").replaceChildren();
  const answer = await fetch(address());
  if (session !== opened) return;
  if (answer.ok) areas = await answer.json();
  else state.notice(await answer.text(), "bad");
}

export const isDrawing = () => drawing !== null;

export function newArea(width, height) {
  const [wide, tall] = [Math.round(width / 4), Math.round(height / 4)];
  drawing = { name: freeName(), x_px: Math.round(width * 0.375), y_px: Math.round(height * 0.375), width_px: wide, height_px: tall };
}

/** Arrow keys: moves the new area, or with Shift its lower right corner. */
export function moveArea(x, y, sizes) {
  if (sizes) {
    drawing.width_px = Math.max(STEP, drawing.width_px + x * STEP);
    drawing.height_px = Math.max(STEP, drawing.height_px + y * STEP);
  } else {
    drawing.x_px += x * STEP;
    drawing.y_px += y * STEP;
  }
}

/** Keeps the new area, or throws it away; gives whether there was one. */
export function placeArea(fits) {
  if (!drawing) return false;
  if (fits) areas = [...areas, drawing];
  drawing = null;
  return true;
}

export function removeArea() {
  areas = areas.slice(0, -1);
}

export function drawAreas(pen, unit) {
  for (const area of [...areas, ...(drawing ? [drawing] : [])]) {
    pen.strokeStyle = area === drawing ? "#ffc067" : "#ff9cc2";
    pen.lineWidth = 2 * unit;
    pen.strokeRect(area.x_px, area.y_px, area.width_px, area.height_px);
    pen.font = `600 ${11 * unit}px system-ui, sans-serif`;
    pen.textAlign = "left";
    const words = area.name;
    const [x, y] = [area.x_px + 4 * unit, area.y_px + 13 * unit];
    pen.lineWidth = 3 * unit;
    pen.lineJoin = "round";
    pen.strokeStyle = "rgba(10, 14, 18, 0.8)"; // readable on any picture
    pen.strokeText(words, x, y);
    pen.fillStyle = area === drawing ? "#ffc067" : "#ff9cc2";
    pen.fillText(words, x, y);
  }
}

/** Asks how the areas were looked at in a time, in seconds, and shows it; `keep` writes them to the recording. False if they were refused. */
export async function measureAreas(from, to, keep) {
  const table = byId("areas");
  table.hidden = !areas.length;
  if (!areas.length && !keep) return true;
  const answer = await fetch(address(), { method: "POST", body: JSON.stringify({ areas, from_s: from, to_s: to, keep }) });
  if (!answer.ok) {
    state.notice(await answer.text(), "bad");
    return false;
  }
  const looks = await answer.json();
  const rows = looks.map((area) =>
    cells([area.name, `${area.dwell_s.toFixed(1)} s`, area.first_s === null ? "–" : `${area.first_s.toFixed(1)} s`, String(area.visits)], "td"),
  );
  table.replaceChildren(cells(["area", "looked at", "first", "visits"], "th"), ...rows);
  return true;
}

function cells(values, kind) {
  const row = document.createElement("tr");
  for (const value of values) {
    const cell = document.createElement(kind);
    cell.textContent = value;
    row.append(cell);
  }
  return row;
}

function freeName() {
  const taken = new Set(areas.map((area) => area.name));
  let number = areas.length + 1;
  while (taken.has(`area ${number}`)) number++;
  return `area ${number}`;
}

const address = () => `/sessions/${encodeURIComponent(session.name)}/areas`;

byId("areas-file").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file || !session) return;
  try {
    const read = JSON.parse(await file.text());
    const before = areas;
    areas = read;
    if (!(await measureAreas(null, null, true))) areas = before;
  } catch {
    state.notice(`${file.name} is no JSON; expected a list of name, x_px, y_px, width_px, height_px.`, "bad");
  }
  redraw();
});
