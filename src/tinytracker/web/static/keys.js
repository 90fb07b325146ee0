// Keys and the buttons that stand for them. A screen has a table: key -> { label, act }; the footer shows it.

const typing = (target) => target.matches("input:not([type=radio]):not([type=checkbox]):not([type=range]):not([type=file]), textarea, select");
const pressing = (target) => target.matches("button, a[href], input, select, summary, textarea");
const names = { " ": "Space", Escape: "Esc", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

let tables = () => [];

export const nameOf = (key) => names[key] ?? key;

/** tables(): the key tables in force, the first one that has a key wins. */
export function listen(getTables) {
  tables = getTables;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (typing(target) && event.key !== "Escape") return;
    if (pressing(target) && (event.key === " " || event.key === "Enter" || (target.matches("input") && event.key.startsWith("Arrow")))) return;
    const entry = find(event.key);
    if (!entry || (event.repeat && !entry.repeats)) return;
    event.preventDefault();
    entry.act(event);
  });
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button[data-key]") : null;
    if (button) find(button.dataset.key)?.act(event);
  });
}

function find(key) {
  for (const table of tables()) if (table[key]) return table[key];
  return undefined;
}

/** Shows the keys in force in the footer, each as a button; one that has the focus keeps it. */
export function showKeys(place) {
  const seen = new Set();
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  place.replaceChildren();
  for (const table of tables()) {
    for (const [key, entry] of Object.entries(table)) {
      if (seen.has(key) || !entry.label) continue;
      seen.add(key);
      const item = document.createElement("button");
      const cap = document.createElement("kbd");
      Object.assign(item, { type: "button" }).dataset.key = key;
      cap.textContent = nameOf(key);
      item.append(cap, entry.label);
      place.append(item);
      if (key === focused) item.focus();
    }
  }
}
