// A bank card held to the screen says how large its pixels are: a shape that the arrow keys make as wide as the card.

const CARD_CM = { width: 8.56, height: 5.398 }; // ISO/IEC 7810 ID-1
const SMALLEST_PX = 60;
const byId = (id) => document.getElementById(id);

/** The card on the screen; screenPx: the screen's width in CSS pixels, screenCm: how wide it is taken to be at first. */
export class Card {
  constructor(screenPx, screenCm) {
    this.screenPx = screenPx;
    this.px = Math.round((CARD_CM.width * screenPx) / screenCm);
    byId("card").hidden = false;
    this.grow(0);
  }

  get screenCm() {
    return (CARD_CM.width * this.screenPx) / this.px;
  }

  grow(pixels) {
    this.px = Math.max(SMALLEST_PX, this.px + pixels);
    byId("card-shape").style.width = `${this.px}px`;
    byId("card-shape").style.height = `${(this.px * CARD_CM.height) / CARD_CM.width}px`;
    byId("card-words").textContent =
      `Hold a bank card against the screen. ← → until the shape is as wide as the card (Shift: faster), then Enter. The screen is then ${this.screenCm.toFixed(1)} cm wide.`;
  }

  close() {
    byId("card").hidden = true;
  }
}
