// The gaze drawn over the page: a circle as large as the person's own error, a trail, a ring that fills during a fixation.

import { toPage } from "./place.js";

const canvas = document.getElementById("gaze");
const pen = canvas.getContext("2d");
const TRAIL_MS = 700;
const still = matchMedia("(prefers-reduced-motion: reduce)");

const STALE_MS = 600; // no gaze for so long: what is drawn goes
const FADE_MS = 100;

export const view = { on: false, trail: [], last: null, frames: 0 };
let tint = () => "";
let asked = false;
let fading = 0;

/** Takes a gaze message; `now` is when it came. */
export function take(message, now) {
  view.frames += 1;
  view.last = { ...message, came: now };
  if (message.x !== null) view.trail.push({ x: message.x, y: message.y, at: now });
  if (view.on) drawSoon();
}

/** Whether the gaze is drawn over the page. */
export function showGaze(isOn) {
  view.on = isOn;
  drawSoon();
}

/** Once for each gaze that came, not for each frame of the display: a still page costs nothing. */
function drawSoon() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(draw);
}

function draw(now) {
  asked = false;
  clearTimeout(fading);
  const scale = window.devicePixelRatio || 1;
  const width = Math.round(innerWidth * scale);
  const height = Math.round(innerHeight * scale);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, innerWidth, innerHeight);
  while (view.trail.length && now - view.trail[0].at > TRAIL_MS) view.trail.shift();
  const gaze = view.last;
  if (!view.on || !gaze) return;
  if (now - gaze.came <= STALE_MS) {
    fading = setTimeout(drawSoon, FADE_MS); // for the case that no more gaze comes
    if (gaze.x !== null) drawGaze(gaze, now);
  }
  view.onDrawn?.(gaze, now);
}

function drawGaze(gaze, now) {
  const at = toPage(gaze.x, gaze.y);
  if (!still.matches) drawTrail(now);
  const radius = gaze.r ?? 46;
  pen.beginPath();
  pen.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  pen.fillStyle = tint(0.13);
  pen.fill();
  pen.lineWidth = gaze.r ? 2 : 1;
  pen.setLineDash(gaze.r ? [] : [6, 6]);
  pen.strokeStyle = tint(0.75);
  pen.stroke();
  pen.setLineDash([]);
  if (gaze.fix) {
    const share = Math.min(1, gaze.fix[2] / 1000);
    pen.beginPath();
    pen.arc(at.x, at.y, 15, -Math.PI / 2, -Math.PI / 2 + share * 2 * Math.PI);
    pen.lineWidth = 4;
    pen.strokeStyle = tint(0.95);
    pen.stroke();
  }
  pen.beginPath();
  pen.arc(at.x, at.y, 5, 0, 2 * Math.PI);
  pen.fillStyle = tint(1);
  pen.fill();
}

function drawTrail(now) {
  for (const point of view.trail) {
    const age = (now - point.at) / TRAIL_MS;
    const at = toPage(point.x, point.y);
    pen.beginPath();
    pen.arc(at.x, at.y, 4 * (1 - age) + 1, 0, 2 * Math.PI);
    pen.fillStyle = tint(0.35 * (1 - age));
    pen.fill();
  }
}

/** Draws from now on, in the colours that the system asks for. */
export function beginDrawing() {
  const takeTint = () => {
    const rgb = getComputedStyle(document.documentElement).getPropertyValue("--gaze").trim();
    tint = (alpha) => `rgba(${rgb}, ${alpha})`;
  };
  takeTint();
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", takeTint);
  window.addEventListener("resize", drawSoon);
}
