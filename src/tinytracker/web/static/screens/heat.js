// A heatmap: time looked at, each frame a normal distribution as wide as the error, on a coarse grid.

const COLUMNS = 160;

/** Points are [x, y] in pixels of the screen, errorPx the mean error; gives a small canvas to be stretched over the screen. */
export function makeHeat(points, width, height, errorPx) {
  const rows = Math.round((COLUMNS * height) / width);
  const scale = COLUMNS / width;
  const sigma = Math.max(0.8, errorPx * scale * Math.sqrt(2 / Math.PI)); // the mean length of a 2-D normal is sigma * sqrt(pi / 2)
  const reach = Math.ceil(3 * sigma);
  const sums = new Float32Array(COLUMNS * rows);
  for (const point of points) {
    const [x, y] = point.map((value) => value * scale);
    for (let row = Math.max(0, Math.floor(y - reach)); row < Math.min(rows, y + reach); row++) {
      for (let column = Math.max(0, Math.floor(x - reach)); column < Math.min(COLUMNS, x + reach); column++) {
        sums[row * COLUMNS + column] += Math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma * sigma));
      }
    }
  }
  const most = sums.reduce((one, other) => Math.max(one, other), 0) || 1;
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [COLUMNS, rows];
  const pixels = picture.getContext("2d").createImageData(COLUMNS, rows);
  sums.forEach((sum, index) => {
    const share = sum / most;
    pixels.data.set([Math.min(255, 90 + 330 * share), 235 * share ** 1.4 + 20, 150 * (1 - share), 225 * Math.min(1, share * 1.7)], 4 * index);
  });
  picture.getContext("2d").putImageData(pixels, 0, 0);
  return picture;
}
