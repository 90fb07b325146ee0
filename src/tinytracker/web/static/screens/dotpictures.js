// Pictures in place of the dot, one after the other; for children and whoever looks longer at a picture.

import { state } from "../state.js";

const dot = document.getElementById("dot");
const words = document.getElementById("dot-words");
const LARGEST_PX = 160;
let pictures = [];

/** Takes the pictures among some files; none: the dot comes back. */
export async function takePictures(files) {
  const drawn = await Promise.all(files.filter((file) => file.type.startsWith("image/")).map(canvasOf));
  pictures = drawn.filter((picture) => picture !== null);
  showPicture(0);
  const left = files.length - pictures.length;
  if (files.length && !pictures.length) state.notice("None of these files is a picture that this browser can show; the dot stays.", "bad");
  words.textContent = pictures.length
    ? `${pictures.length === 1 ? "One picture" : `${pictures.length} pictures, in turn`}${left ? `; ${left} other file${left === 1 ? "" : "s"} left out` : ""}.`
    : "For children, or whoever looks longer at a picture: its middle is where to look.";
}

/** The picture of the dot of a number, if there are pictures. */
export function showPicture(number) {
  dot.querySelector("canvas")?.remove();
  if (pictures.length) dot.append(pictures[number % pictures.length]);
}

/** A canvas, as an <img> of a file would need blob: in the page's policy; null for what cannot be shown. */
async function canvasOf(file) {
  try {
    const bitmap = await createImageBitmap(file);
    const scale = LARGEST_PX / Math.max(bitmap.width, bitmap.height);
    const picture = document.createElement("canvas");
    [picture.width, picture.height] = [Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale))];
    picture.getContext("2d").drawImage(bitmap, 0, 0, picture.width, picture.height);
    return picture;
  } catch {
    return null;
  }
}
