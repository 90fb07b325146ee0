// Replay's background: what was on the screen at a moment, as it filled the screen then.

const page = document.getElementById("replay-page");
const files = new Map(); // name -> an image or a video, loaded once
let session = null;
let redraw = () => {};

/** A recording is open; `again` draws anew when a picture has come. */
export function openBackdrop(opened, again) {
  session = opened;
  redraw = again;
  files.clear();
  page.hidden = true;
  page.removeAttribute("src");
}

/** What is shown at a time: {name, kind, from_s, to_s}, undefined for nothing. */
export const shownAt = (time) => session?.stimuli.find((shown) => time >= shown.from_s && time < shown.to_s);

/** Paints the background; false if there is none to be seen. */
export function drawBackdrop(pen, time, isPlaying) {
  const { width, height } = pen.canvas;
  const shown = shownAt(time);
  showPage(shown?.kind === "page" ? shown : null, width);
  if (!shown) return false;
  pen.fillStyle = "#101010";
  if (shown.kind === "page") {
    pen.clearRect(0, 0, width, height);
    return true;
  }
  pen.fillRect(0, 0, width, height);
  const file = fileOf(shown);
  if (shown.kind === "video") follow(file, time - shown.from_s, isPlaying);
  const [own, tall] = [file.videoWidth ?? file.naturalWidth, file.videoHeight ?? file.naturalHeight];
  if (!own) return true;
  const scale = Math.min(width / own, height / tall);
  pen.drawImage(file, (width - own * scale) / 2, (height - tall * scale) / 2, own * scale, tall * scale);
  return true;
}

function fileOf({ name, kind }) {
  if (!files.has(name)) {
    const file = document.createElement(kind === "video" ? "video" : "img");
    if (kind === "video") Object.assign(file, { muted: true, preload: "auto", playsInline: true });
    for (const event of ["load", "loadeddata", "seeked"]) file.addEventListener(event, () => redraw());
    file.src = address(name);
    files.set(name, file);
  }
  return files.get(name);
}

function follow(video, time, isPlaying) {
  const place = Math.min(Math.max(0, time), video.duration || 0);
  const isOff = Math.abs(video.currentTime - place) > (isPlaying ? 0.3 : 0.02);
  if (isOff && !video.seeking) video.currentTime = place;
  if (isPlaying && video.paused && !video.ended) video.play().catch(() => {});
  if (!isPlaying && !video.paused) video.pause();
}

/** A page lies under the canvas, laid out as large as the screen was and scaled down to the canvas. */
function showPage(shown, width) {
  page.hidden = !shown;
  if (!shown) return;
  const canvas = document.getElementById("replay-canvas");
  const scale = canvas.clientWidth / width;
  page.width = width;
  page.height = canvas.height;
  page.style.transform = `translate(${canvas.offsetLeft + 1}px, ${canvas.offsetTop + 1}px) scale(${scale})`;
  if (page.dataset.name !== shown.name || !page.src) {
    page.dataset.name = shown.name;
    page.src = address(shown.name);
  }
}

const address = (name) => `/sessions/${encodeURIComponent(session.name)}/stimuli/${encodeURIComponent(name)}`;
