// `tinytracker screen --measure`: a card, then where the camera is.

import { Card } from "./card.js";
import { enter } from "./link.js";
import { screenOfPage } from "./place.js";

const byId = (id) => document.getElementById(id);
const GUESSED_PX_PER_CM = 96 / 2.54;
let card = null;
let measured = null;

function notice(words, kind) {
  byId("notice").className = `notice ${kind}`;
  byId("notice").textContent = words;
  byId("notice").hidden = !words;
}

function begin() {
  const screenPx = screenOfPage().width;
  card = new Card(screenPx, measured?.screenCm ?? screenPx / GUESSED_PX_PER_CM);
}

function fits() {
  measured = card;
  card.close();
  card = null;
  const cm = measured.screenCm;
  byId("measured-words").textContent = `The screen is ${cm.toFixed(1)} cm wide.`;
  byId("camera-x").value = (cm / 2).toFixed(1);
  byId("camera-x").focus();
  byId("camera-x").select();
}

const numberIn = (id) => (byId(id).value.trim() ? Number(byId(id).value.replace(",", ".")) : NaN);

document.addEventListener("keydown", (event) => {
  const step = event.shiftKey ? 10 : 1;
  if (!card) {
    if (event.key === "Escape") begin();
    return;
  }
  if (event.key === "ArrowLeft") card.grow(-step);
  else if (event.key === "ArrowRight") card.grow(step);
  else if (event.key === "Enter") fits();
  else return;
  event.preventDefault();
});
byId("again").addEventListener("click", begin);
byId("place-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [x, y] = [numberIn("camera-x"), numberIn("camera-y")];
  if (!Number.isFinite(x) || !Number.isFinite(y)) {
    notice("Both must be numbers of centimetres, such as 17.2 and 1.0.", "bad");
    return;
  }
  const body = JSON.stringify({ do: "measured", ...screenOfPage(), card_px: measured.px, camera_x_cm: x, camera_y_cm: y });
  const answer = await fetch("/measured", { method: "POST", body });
  if (answer.ok) {
    notice(`Measured: ${await answer.text()}. You can close this page.`, "good");
    byId("place-form").hidden = true;
  } else notice(await answer.text(), "bad");
});
if (await enter()) begin();
else {
  byId("card").hidden = true;
  notice("This address is of another run. Open the one that the command printed.", "bad");
}
