// The browser's own camera: frames as JPEG over a WebSocket, one under way at a time (`--camera browser`).

import { state } from "./state.js";

const QUALITY = 0.92;
const HEADER = 12;
const WHY = {
  NotAllowedError: "The browser may not use the camera: allow it for this page.",
  NotFoundError: "The browser finds no camera.",
  NotReadableError: "The browser's camera does not open; is another program using it?",
};
const video = document.getElementById("own-camera");
let begun = false;
let told = false; // that it does not work
let wanted = { device: "", width: 0, height: 0 };

export const sent = { frames: 0, refused: 0 };

export async function beginBrowserCamera() {
  if (begun) return;
  begun = true;
  if (await open()) send();
}

/** The cameras that the browser knows, with names once it may use one. */
export async function browserCameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const cameras = devices.filter((device) => device.kind === "videoinput");
  return cameras.map((device, number) => ({ source: device.deviceId, name: device.label || `camera ${number}` }));
}

/** Another camera, or another size (0: 640 x 480). */
export function useBrowserCamera(device, width, height) {
  wanted = { device, width, height };
  if (begun) open();
}

async function open() {
  try {
    const size = { width: { ideal: wanted.width || 640 }, height: { ideal: wanted.height || 480 }, frameRate: { ideal: 30 } };
    const which = wanted.device ? { deviceId: { exact: wanted.device } } : {};
    for (const track of video.srcObject?.getVideoTracks() ?? []) track.stop(); // one camera cannot have two sizes
    const stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...which }, audio: false });
    video.srcObject = stream;
    await video.play();
    for (const track of stream.getVideoTracks()) track.addEventListener("ended", () => again("The browser's camera was unplugged."));
    if (told) state.notice("");
    told = false;
    return true;
  } catch (error) {
    again(WHY[error.name] ?? `The browser's camera does not open (${error.name}).`);
    return false;
  }
}

function again(words) {
  begun = false;
  wanted = { ...wanted, device: "" };
  told = true;
  state.notice(words, "bad", 0);
  setTimeout(beginBrowserCamera, 3000);
}

function send() {
  const socket = new WebSocket(`ws://${location.host}/frames`);
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const pen = canvas.getContext("2d");
  let waits = false;
  let number = 0;
  socket.onmessage = (event) => {
    waits = false;
    if (JSON.parse(event.data).type === "refused") sent.refused += 1;
  };
  socket.onclose = () => again("The camera's connection was closed.");
  const take = async (now, meta) => {
    if (socket.readyState > WebSocket.OPEN) return;
    video.requestVideoFrameCallback(take);
    if (waits || socket.readyState !== WebSocket.OPEN) return;
    waits = true;
    if (canvas.width !== video.videoWidth || canvas.height !== video.videoHeight) {
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    }
    pen.drawImage(video, 0, 0);
    const jpeg = await (await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY })).arrayBuffer();
    const message = new Uint8Array(HEADER + jpeg.byteLength);
    const header = new DataView(message.buffer);
    header.setUint32(0, number++);
    header.setFloat64(4, meta.captureTime ?? now);
    message.set(new Uint8Array(jpeg), HEADER);
    if (socket.readyState === WebSocket.OPEN) socket.send(message);
    sent.frames += 1;
  };
  video.requestVideoFrameCallback(take);
}
