// Where this page is on the screen: pixels of the screen (CSS pixels, from its upper left corner) and of the page.

const scale = () => window.devicePixelRatio || 1;
const isFull = () => document.fullscreenElement !== null;

/** The screen as the server wants to know it. */
export function screenOfPage() {
  return { width: screen.width, height: screen.height, scale: scale(), left: screen.availLeft ?? 0, top: screen.availTop ?? 0 };
}

/** The page's upper left corner on the screen. Firefox knows it; elsewhere the window's frame is taken to be at its top. */
export function corner() {
  if (isFull()) return { x: 0, y: 0 };
  if (window.mozInnerScreenX !== undefined) {
    return { x: window.mozInnerScreenX - (screen.left ?? 0), y: window.mozInnerScreenY - (screen.top ?? 0) };
  }
  const side = Math.max(0, (window.outerWidth - window.innerWidth) / 2);
  const top = Math.max(0, window.outerHeight - window.innerHeight - side);
  return { x: window.screenX - (screen.availLeft ?? 0) + side, y: window.screenY - (screen.availTop ?? 0) + top };
}

/** Whether this page covers its whole screen, by the browser's full screen or F11. */
export const fillsScreen = () => isFull() || (innerWidth >= screen.width && innerHeight >= screen.height);

export function toPage(x, y) {
  const origin = corner();
  return { x: x - origin.x, y: y - origin.y };
}

export function toScreen(x, y) {
  const origin = corner();
  return { x: x + origin.x, y: y + origin.y };
}

/** Calls back now and whenever the page has moved on the screen or to another one. */
export function watchPlace(moved) {
  let last = "";
  const look = () => {
    const now = JSON.stringify([screenOfPage(), corner(), window.innerWidth, window.innerHeight]);
    if (now !== last) {
      last = now;
      moved();
    }
  };
  window.addEventListener("resize", look);
  document.addEventListener("fullscreenchange", look);
  setInterval(look, 1000);
}

export async function goFull() {
  try {
    if (!isFull()) await document.documentElement.requestFullscreen({ navigationUI: "hide" });
  } catch {
    // not allowed here: the window as it is will do
  }
}

export async function leaveFull() {
  if (isFull()) await document.exitFullscreen().catch(() => {});
}
