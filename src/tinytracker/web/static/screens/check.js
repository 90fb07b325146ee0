// Check: the honest figure, as one sentence, a plan of the screen and a table.

import { ask } from "../link.js";
import { sizeIsKnown, state } from "../state.js";
import { begin, isShowing, showingKeys } from "./dots.js";

const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const CHI_68 = 1.515; // radius of the ellipse that holds 68 % of a normal distribution, in standard deviations
let result = null;

export const check = {
  id: "check",
  title: "Check",
  enter(message) {
    if (message) this.show(message);
    byId("check-result").hidden = !result;
    for (const button of byId("check-actions").children) button.hidden = !result && button.id !== "check-on";
    byId("check-on").firstChild.textContent = !result ? "To the dots " : result.helps ? "Keep it " : "Go on uncalibrated ";
  },
  keys: () =>
    isShowing()
      ? showingKeys()
      : {
          " ": { label: result ? (result.helps ? "keep" : "go on uncalibrated") : "to the dots", act: () => keep() },
          ...(result && afterCheck),
        },
  show(message) {
    result = message;
    byId("sentence").textContent = message.sentence;
    draw(message);
    table(message);
    const refused = state.refused?.length ? ` Shown again or left out: ${state.refused.join("; ")}.` : "";
    byId("plan-caption").textContent = `Ring: the dot. Point: your mean gaze; 68 % of it lies in the ellipse.${refused}`;
  },
};

const afterCheck = {
  w: { label: "redo worst", act: () => begin("redo", {}, "check") },
  a: { label: "all again", act: () => state.go("dots") },
  u: { label: "uncalibrated", act: () => (ask("no_calibration"), state.go("live")) },
  s: { label: "save the profile", act: () => ask("save_profile") },
  o: { label: "report", act: () => window.open("/report", "_blank", "noopener") },
};

function keep() {
  if (!result) return state.go("dots");
  ask(result.helps ? "keep" : "no_calibration");
  state.go("live");
}

function make(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

function toPx(point) {
  const screen = state.screen;
  return [
    ((point[0] + screen.camera_x_cm) * screen.width_px) / screen.width_cm,
    ((-point[1] - screen.camera_y_cm) * screen.height_px) / screen.height_cm,
  ];
}

function draw(message) {
  const { width_px: width, height_px: height, width_cm: widthCm } = state.screen;
  const unit = width / 100;
  const margin = 4 * unit;
  const plan = byId("plan");
  plan.setAttribute("viewBox", `${-margin} ${-margin} ${width + 2 * margin} ${height + 2 * margin}`);
  plan.replaceChildren(make("rect", { class: "screen-edge", width, height, rx: unit }));
  for (const dot of message.dots) {
    const [x, y] = toPx(dot.target_cm);
    const [gx, gy] = toPx(dot.gaze_cm);
    const perDeg = ((Math.PI / 180) * dot.distance_cm * width) / widthCm;
    plan.append(ellipse(dot.ellipse_deg2, gx, gy, perDeg));
    plan.append(make("line", { class: "miss", x1: x, y1: y, x2: gx, y2: gy, "stroke-width": unit / 6 }));
    plan.append(make("circle", { class: "target", cx: x, cy: y, r: 1.4 * unit, "stroke-width": unit / 5 }));
    plan.append(make("circle", { class: "target-centre", cx: x, cy: y, r: unit / 3 }));
    plan.append(make("circle", { class: "mean", cx: gx, cy: gy, r: unit / 2 }));
  }
  for (const [number, dot] of message.dots.entries()) {
    // last, so that no ellipse lies over them
    const [x, y] = toPx(dot.target_cm);
    const px = Math.round((dot.error_cm * width) / widthCm);
    const words = sizeIsKnown() ? `${dot.error_deg.toFixed(1)}°` : `${px} px`;
    plan.append(make("text", { x, y: y - 2.6 * unit, "font-size": 2.5 * unit, "text-anchor": "middle" }, `${number + 1}: ${words}`));
  }
}

function ellipse([[xx, xy], [, yy]], x, y, perDeg) {
  const middle = (xx + yy) / 2;
  const apart = Math.hypot((xx - yy) / 2, xy);
  const [large, small] = [middle + apart, Math.max(0, middle - apart)].map((variance) => CHI_68 * Math.sqrt(variance) * perDeg);
  const turn = (-0.5 * Math.atan2(2 * xy, xx - yy) * 180) / Math.PI; // y is up in degrees, down on the screen
  return make("ellipse", { class: "spread", cx: x, cy: y, rx: large, ry: small, transform: `rotate(${turn} ${x} ${y})` });
}

function table(message) {
  const head = document.createElement("tr");
  const unit = sizeIsKnown() ? "°" : "";
  const names = sizeIsKnown() ? ["dot", "off by", "cm", "px", "uncalibrated"] : ["dot", "off by, px"];
  for (const name of names) {
    const cell = document.createElement("th");
    cell.textContent = name;
    head.append(cell);
  }
  const rows = message.dots.map((dot, number) => {
    const row = document.createElement("tr");
    const px = String(Math.round((dot.error_cm * state.screen.width_px) / state.screen.width_cm));
    const known = [`${dot.error_deg.toFixed(2)}${unit}`, dot.error_cm.toFixed(2), px, `${dot.uncalibrated_deg.toFixed(2)}${unit}`];
    for (const value of [String(number + 1), ...(sizeIsKnown() ? known : [px])]) {
      const cell = document.createElement("td");
      cell.textContent = value;
      row.append(cell);
    }
    return row;
  });
  byId("check-table").replaceChildren(head, ...rows);
}
