// The screen's own video while recording: the browser asks which screen, encodes it, and it goes to the server piece by piece.

import { ask } from "./link.js";
import { state } from "./state.js";

const WISHED = {
  video: { displaySurface: "monitor", frameRate: { max: 5 }, width: { max: 1920 } },
  audio: false,
  monitorTypeSurfaces: "include",
  surfaceSwitching: "exclude",
};
const TYPE = "video/webm;codecs=vp8";
const BITS_PER_SECOND = 1_500_000;
let recorder = null;
let sent = Promise.resolve();

export const canCapture = () => Boolean(navigator.mediaDevices?.getDisplayMedia && window.MediaRecorder?.isTypeSupported(TYPE));
export const isCapturing = () => recorder !== null;

/** The screen as a stream; null, saying why, where it is not given. Browsers allow it straight after a key or click only. */
export async function askForScreen() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia(WISHED);
  } catch {
    state.notice("The screen's video is left out: the browser was not allowed to take it.");
    return null;
  }
  const { displaySurface, width, height } = stream.getVideoTracks()[0].getSettings();
  const isWhole = (displaySurface ?? "monitor") === "monitor" && Math.abs((width * screen.height) / (height * screen.width) - 1) < 0.03;
  if (isWhole) return stream;
  release(stream);
  state.notice("The screen's video is left out: choose the whole screen that this page is on. Of a window nobody would know where it lay.");
  return null;
}

/** The recording goes on: so does the video, from now. */
export function beginCapture(stream) {
  recorder = new MediaRecorder(stream, { mimeType: TYPE, videoBitsPerSecond: BITS_PER_SECOND });
  recorder.addEventListener("start", () => ask("screen_video", { on: true }));
  recorder.addEventListener("dataavailable", ({ data }) => (sent = sent.then(() => send(data))));
  stream.getVideoTracks()[0].addEventListener("ended", endCapture); // "stop sharing"
  recorder.start(1000);
}

/** Ends the video, once its last piece is kept. */
export async function endCapture() {
  if (!recorder) return;
  const ending = recorder;
  recorder = null;
  if (ending.state !== "inactive") {
    const over = new Promise((resolve) => ending.addEventListener("stop", resolve, { once: true }));
    ending.stop();
    await over;
  }
  release(ending.stream);
  await sent;
  ask("screen_video", { on: false });
}

export function release(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

async function send(piece) {
  if (!piece.size) return;
  const answer = await fetch("/screen", { method: "POST", body: piece }).catch(() => null);
  if (answer?.ok || !recorder) return;
  state.notice((await answer?.text()) ?? "The screen's video was not kept: no connection.", "bad");
  endCapture();
}
