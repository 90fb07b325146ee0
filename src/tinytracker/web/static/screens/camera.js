// Camera: the mirrored picture with a guide for the face, lamps in words, the screen's size.

import { beginBrowserCamera, browserCameras, useBrowserCamera } from "../browsercamera.js";
import { Card } from "../card.js";
import { ask, on } from "../link.js";
import { state } from "../state.js";

const byId = (id) => document.getElementById(id);
const canvas = byId("preview");
const pen = canvas.getContext("2d");
let mirrored = true;
let face = null;
let card = null;

const from = {
  file: "as your file says",
  edid: "as the monitor says",
  card: "measured with a card",
  typed: "as you said",
  rendered: "the demo's laptop",
  guess: "a guess: measure it, else no centimetres and degrees are told",
};

export const camera = {
  id: "camera",
  title: "Camera",
  enter() {
    ask("preview", { on: true });
    if (state.demo) byId("camera-lead").textContent = "A rendered person sits here in your place and looks wherever the page's dot is; Space leads through.";
    if (state.browserCamera) beginBrowserCamera().then(fillCameras);
    else fillCameras();
    this.screenChanged();
  },
  leave() {
    ask("preview", { on: false });
    endCard(false);
  },
  keys() {
    if (card) {
      return {
        ArrowLeft: { label: "smaller", repeats: true, act: (event) => card.grow(event.shiftKey ? -10 : -1) },
        ArrowRight: { label: "larger", repeats: true, act: (event) => card.grow(event.shiftKey ? 10 : 1) },
        Enter: { label: "it fits", act: () => endCard(true) },
        Escape: { label: "leave", act: () => endCard(false) },
      };
    }
    return {
      " ": { label: "go on", act: () => state.go("dots") },
      m: { label: "mirror", act: () => (mirrored = !mirrored) },
      b: { label: "bank card", act: () => beginCard() },
    };
  },
  gaze(message) {
    face = message.face ?? null;
    byId("preview-caption").textContent = message.x === null ? message.why : `face found, ${Math.round(message.d)} cm away`;
  },
  lamps(message) {
    const list = byId("lamps");
    list.replaceChildren(
      ...message.lamps.map((lamp) => {
        const item = document.createElement("li");
        item.className = lamp.state;
        const [mark, name, words] = [document.createElement("span"), document.createElement("b"), document.createElement("span")];
        mark.className = "mark";
        name.textContent = lamp.name;
        words.textContent = lamp.words;
        item.append(mark, name, words);
        return item;
      }),
    );
  },
  screenChanged() {
    const screen = state.screen;
    if (!screen) return;
    byId("width-cm").value = screen.size_from === "guess" ? "" : screen.width_cm.toFixed(1);
    byId("camera-x").value = screen.camera_x_cm.toFixed(1);
    byId("camera-y").value = screen.camera_y_cm.toFixed(1);
    byId("screen-size").textContent =
      `${screen.width_px} × ${screen.height_px} px, ${screen.width_cm.toFixed(1)} × ${screen.height_cm.toFixed(1)} cm (${from[screen.size_from]})`;
  },
};

on("preview", async (blob) => {
  if (byId("camera").hidden) return;
  const picture = await createImageBitmap(blob);
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.style.setProperty("--ratio", picture.width / picture.height);
  }
  const { width, height } = canvas;
  pen.setTransform(mirrored ? -1 : 1, 0, 0, 1, mirrored ? width : 0, 0);
  pen.drawImage(picture, 0, 0);
  picture.close();
  guide(width, height);
});

on("preparing", ({ share, left_s: left }) => {
  byId("preparing").hidden = share >= 1;
  byId("preparing-bar").value = share;
  byId("preparing-left").textContent = `about ${Math.max(1, left)} s left; later starts take a second`;
});

function guide(width, height) {
  pen.lineWidth = 2;
  pen.setLineDash([7, 7]);
  pen.strokeStyle = "rgba(255, 255, 255, 0.45)";
  pen.beginPath();
  pen.ellipse(width / 2, height * 0.5, height * 0.24, height * 0.34, 0, 0, 2 * Math.PI);
  pen.stroke();
  pen.setLineDash([]);
  if (!face) return;
  pen.strokeStyle = "#4fd1c1";
  pen.lineWidth = 3;
  pen.beginPath();
  pen.roundRect(face[0] * width, face[1] * height, face[2] * width, face[3] * height, 14);
  pen.stroke();
}

function beginCard() {
  card = new Card(state.screen?.width_px ?? screen.width, state.screen?.width_cm ?? 34);
  state.refreshKeys();
}

function endCard(fits) {
  if (!card) return;
  if (fits) ask("screen_size", { card: true, card_px: card.px });
  card.close();
  card = null;
  state.refreshKeys();
}

byId("card-start").addEventListener("click", (event) => {
  event.currentTarget.blur();
  beginCard();
});
byId("width-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const [width, x, y] = ["width-cm", "camera-x", "camera-y"].map((id) => (byId(id).value.trim() ? Number(byId(id).value.replace(",", ".")) : NaN));
  if (!(width > 0)) {
    state.notice("The width must be a number of centimetres, such as 34.5.", "bad");
    return;
  }
  const before = state.screen;
  if (Math.abs(width - before.width_cm) > 0.05 || before.size_from === "guess") ask("screen_size", { card: false, width_cm: width });
  const moved = Math.abs(x - before.camera_x_cm) > 0.05 || Math.abs(y - before.camera_y_cm) > 0.05;
  if (moved && Number.isFinite(x) && Number.isFinite(y)) ask("camera_place", { x_cm: x, y_cm: y });
});

/** The cameras to choose from: this computer's, or the browser's. */
async function fillCameras() {
  const choices = state.browserCamera ? await browserCameras() : state.cameras;
  byId("camera-row").hidden = !choices;
  const list = byId("camera-choice");
  const chosen = list.value || state.cameraSource.replace(/^camera /, "");
  const known = choices?.length ? choices : [{ source: chosen, name: state.browserCamera ? chosen : `camera ${chosen}` }];
  list.replaceChildren(
    ...known.map(({ source, name }) => {
      const option = document.createElement("option");
      Object.assign(option, { value: source, textContent: name, selected: source === chosen });
      return option;
    }),
  );
}

function chooseCamera() {
  const [width, height] = byId("camera-size").value.split("x").map(Number);
  const source = byId("camera-choice").value;
  if (state.browserCamera) useBrowserCamera(source, width, height);
  else ask("camera", { source, width, height });
}

byId("camera-choice").addEventListener("change", chooseCamera);
byId("camera-size").addEventListener("change", chooseCamera);
