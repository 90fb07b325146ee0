// Record: a name, what is kept, what is looked at; r starts and stops on any screen.

import { ask } from "../link.js";
import { state } from "../state.js";
import { askForScreen, beginCapture, canCapture, endCapture, isCapturing, release } from "../screenvideo.js";
import { addStimuli, hideStimulus, isShown, nextStimulus, showStimulus } from "../stimuli.js";

const byId = (id) => document.getElementById(id);
const list = byId("stimuli");
let waiting = null; // the screen's stream, until the recording has begun

export const record = {
  id: "record",
  title: "Record",
  keys() {
    if (isShown()) return showingKeys;
    const keys = {
      " ": { label: state.recording.on ? "stop" : "record", act: () => record.toggle() },
      v: { label: "keep video", act: () => (byId("keep-video").checked = !byId("keep-video").checked) },
    };
    if (state.stimuli.length && !isCapturing()) keys.i = { label: "show it", act: () => showStimulus(Math.max(0, list.selectedIndex)) };
    return keys;
  },
  toggle: () => (state.recording.on ? record.stop() : record.start()),
  async stop() {
    await endCapture();
    ask("stop_recording");
  },
  async start() {
    release(waiting);
    waiting = byId("keep-screen").checked ? await askForScreen() : null;
    ask("record", {
      name: byId("record-name").value,
      video: byId("keep-video").checked,
      rows: byId("as-parquet").checked ? "parquet" : "csv",
    });
  },
  /** What was asked for did not happen. */
  failed() {
    release(waiting);
    waiting = null;
  },
  enter() {
    byId("keep-screen-label").hidden = !canCapture();
    fillStimuli();
    record.changed();
  },
  leave: hideStimulus,
  changed() {
    const { on: isOn, name, folder } = state.recording;
    if (isOn && waiting) beginCapture(waiting);
    else if (!isOn) endCapture();
    if (isOn) waiting = null;
    byId("record-button").firstChild.textContent = isOn ? "Stop " : "Record ";
    byId("record-button").classList.toggle("stop", isOn);
    byId("record-state").textContent = isOn
      ? `Recording ${name}${isCapturing() ? ", with the screen's video" : ""}. Keys 1 to 9 set triggers; r stops. The other screens can be used meanwhile.`
      : `Recordings are kept in ${folder ?? ""}.`;
    state.refreshKeys();
  },
};

const showingKeys = {
  Escape: { label: "", act: hideStimulus },
  ArrowRight: { label: "", act: () => nextStimulus(1) },
  ArrowLeft: { label: "", act: () => nextStimulus(-1) },
  " ": { label: "", act: () => nextStimulus(1) },
};

function fillStimuli() {
  const chosen = Math.max(0, list.selectedIndex);
  list.replaceChildren(
    ...state.stimuli.map(({ name, kind }) => {
      const option = document.createElement("option");
      option.textContent = kind === "image" ? name : `${name} (${kind})`;
      return option;
    }),
  );
  list.hidden = !state.stimuli.length;
  byId("show-stimulus").hidden = list.hidden || isCapturing();
  if (state.stimuli.length) list.selectedIndex = Math.min(chosen, state.stimuli.length - 1);
  state.refreshKeys();
}

byId("add-stimuli").addEventListener("change", async (event) => {
  await addStimuli([...event.target.files]);
  fillStimuli();
});
byId("record-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!state.recording.on) record.start();
});
