"""The comparison's three drawings as SVG: stacked latencies, energy against error, work per second against
the roof.

Colours are CSS variables of the page, so that the drawings follow its light, dark and printed looks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from tinytracker.costs.compare.table import Comparison, Line, digits_of

PARTS = (
    ("readout", "read-out", "var(--c1)"),
    ("readout_transfer", "read-out and transfer", "var(--c1b)"),
    ("transfer", "transfer", "var(--c2)"),
    ("inference", "inference", "var(--c3)"),
    ("result", "result", "var(--c4)"),
)
WHOLE = ("not split up", "var(--c0)")
WIDTH, LABEL, RIGHT, BAR, GAP = 960, 300, 90, 16, 8
LONGEST_MS = 100.0
NAME_STEP = 13  # between the names beside a drawing
MARKS = {
    "measured": "var(--measured)",
    "published": "var(--published)",
    "emulated": "var(--emulated)",
    "estimated": "var(--estimated)",
}


def latency_bars(comparison: Comparison) -> str:
    """A bar per line whose chain, or at least inference, is known; bars longer than 100 ms are cut, with
    their number. Empty if there is none."""
    lines = [line for line in comparison.lines if line.value("end_to_end", "inference", "readout_transfer")]
    if not lines:
        return ""
    totals = [_total_ms(line) for line in lines]
    longest = min(LONGEST_MS, max(totals))
    scale = (WIDTH - LABEL - RIGHT) / longest
    height = len(lines) * (BAR + GAP) + 56
    drawn = [_axis(longest, scale, height)]
    for number, (line, total) in enumerate(zip(lines, totals, strict=True)):
        y = 34 + number * (BAR + GAP)
        drawn.append(
            f'<text x="{LABEL - 10}" y="{y + BAR - 4}" text-anchor="end" '
            f'class="name">{escape(_name(line))}</text>'
        )
        x = float(LABEL)
        for what, ms, colour in _pieces(line):
            width = max(1.0, min(ms, longest - (x - LABEL) / scale) * scale)
            title = f"<title>{escape(_name(line))}: {what} {ms:.3g} ms</title>"
            drawn.append(
                f'<rect x="{x:.1f}" y="{y}" width="{max(width - 1, 0.6):.1f}" height="{BAR}" '
                f'fill="{colour}">{title}</rect>'
            )
            x += width
            if x - LABEL >= longest * scale - 0.5:
                break
        if total > longest * 1.001:
            drawn.append(
                f'<path d="M{x - 14:.1f} {y - 2} l5 {BAR / 2 + 2} l-5 {BAR / 2 + 2} h5 l5 {-BAR / 2 - 2} '
                f'l-5 {-BAR / 2 - 2} z" class="tear"/>'
            )
        drawn.append(f'<text x="{x + 6:.1f}" y="{y + BAR - 4}" class="number">{digits_of(total)}</text>')
    legend = [(name, colour) for key, name, colour in PARTS if any(key in line.cells for line in lines)]
    if any(what == WHOLE[0] for line in lines for what, _, _ in _pieces(line)):
        legend.append(WHOLE)
    return _svg(height, "Latency, ms", [_legend(legend), *drawn])


def energy_against_error(comparison: Comparison) -> str:
    """A point per line with an energy and an error in cm; energy on a logarithmic axis."""
    points = []
    for line in comparison.lines:
        energy, error = line.value("energy_chain", "energy_inference"), line.value("error")
        if energy and error:
            metric = "energy_chain" if "energy_chain" in line.cells else "energy_inference"
            what = "chain" if metric == "energy_chain" else "inference alone"
            data = line.cells["error"].conditions.get("data", "unknown data")
            told = f"{energy:.3g} mJ ({what}), {error:.3g} cm on {data}"
            points.append(
                _Point(energy, error, _name(line), line.cells[metric].how, told, "rendered" in data)
            )
    return _scatter(points, "Energy of a gaze, mJ", "error, cm", log_y=False, roofs=[])


def work_against_roof(comparison: Comparison) -> str:
    """Multiply-accumulates a second over the network's size, both logarithmic; a platform's roof is a
    line."""
    points = []
    for line in comparison.lines:
        macs, ms = line.value("macs"), line.value("inference")
        rate = macs / ms * 1e3 if macs and ms else 0.0
        if macs and ms and 0 < rate < math.inf:
            how = line.cells["inference"].how
            points.append(
                _Point(
                    macs,
                    rate,
                    _name(line),
                    how,
                    f"{macs / 1e6:.3g} M MAC in {ms:.3g} ms: {rate / 1e9:.3g} GMAC/s",
                )
            )
    shown = {line.platform for line in comparison.lines if line.value("macs") and line.value("inference")}
    roofs = [(name, row.value) for name, row in comparison.roofs.items() if name in shown and row.value]
    return _scatter(points, "Multiply-accumulates of the network", "MAC/s", log_y=True, roofs=roofs)


@dataclass(frozen=True, slots=True)
class _Point:
    x: float
    y: float
    name: str
    how: str
    told: str
    hollow: bool = False


def _scatter(
    points: Sequence[_Point], x_name: str, y_name: str, log_y: bool, roofs: Sequence[tuple[str, float]]
) -> str:
    if not points:
        return ""
    left, right, top, bottom = 90, 230, 20, 46
    height = max(400, top + bottom + NAME_STEP * len(points))
    xs = _decades([point.x for point in points])
    ys = (
        _decades([*(point.y for point in points), *(roof for _, roof in roofs)])
        if log_y
        else (0.0, 1.15 * max(p.y for p in points))
    )

    def at_x(value: float) -> float:
        return left + (math.log10(value) - xs[0]) / (xs[1] - xs[0]) * (WIDTH - left - right)

    def at_y(value: float) -> float:
        share = (math.log10(value) - ys[0]) / (ys[1] - ys[0]) if log_y else (value - ys[0]) / (ys[1] - ys[0])
        return height - bottom - share * (height - top - bottom)

    drawn = []
    for power in range(math.floor(xs[0]), math.ceil(xs[1]) + 1):
        x = at_x(10.0**power)
        drawn.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{height - bottom}" class="grid"/>')
        drawn.append(
            f'<text x="{x:.1f}" y="{height - bottom + 18}" text-anchor="middle" '
            f'class="tick">{_power(power)}</text>'
        )
    ticks = (
        [10.0**power for power in range(math.floor(ys[0]), math.ceil(ys[1]) + 1)] if log_y else _steps(ys[1])
    )
    for value in ticks:
        y = at_y(value)
        label = _power(round(math.log10(value))) if log_y else f"{value:g}"
        drawn.append(f'<line x1="{left}" x2="{WIDTH - right}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        drawn.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" class="tick">{label}</text>')
    for name, roof in roofs:
        y = at_y(roof)
        drawn.append(f'<line x1="{left}" x2="{WIDTH - right}" y1="{y:.1f}" y2="{y:.1f}" class="roof"/>')
        drawn.append(
            f'<text x="{WIDTH - right - 4}" y="{y - 4:.1f}" text-anchor="end" class="tick">roof of '
            f"{escape(name)}</text>"
        )
    drawn += _labelled(points, at_x, at_y, top, height - bottom)
    drawn.append(
        f'<text x="{(left + WIDTH - right) / 2:.0f}" y="{height - 8}" text-anchor="middle" '
        f'class="axis">{x_name}</text>'
    )
    drawn.append(f'<text x="16" y="{top + 6}" class="axis">{y_name}</text>')
    return _svg(height, f"{y_name} over {x_name}", drawn)


def _labelled(
    points: Sequence[_Point],
    at_x: Callable[[float], float],
    at_y: Callable[[float], float],
    top: float,
    bottom: float,
) -> list[str]:
    """Points, and their names in the right margin between `top` and `bottom`, pushed apart so that none
    covers another, each led to its point."""
    ordered = sorted(points, key=lambda point: at_y(point.y))
    label_x = WIDTH - 216
    drawn = []
    highest = top
    for number, point in enumerate(ordered):
        x, y = at_x(point.x), at_y(point.y)
        lowest = bottom - NAME_STEP * (len(ordered) - 1 - number)  # the names below want room too
        name_y = min(max(highest, y), lowest)
        highest = name_y + NAME_STEP
        told = f"{point.name}: {point.told}, {point.how}"
        drawn += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" {_look(point)}><title>{escape(told)}</title></circle>',
            f'<path d="M{x + 6:.1f} {y:.1f} L{label_x - 4} {name_y:.1f}" class="lead"/>',
            f'<text x="{label_x}" y="{name_y + 4:.1f}" class="small">{escape(point.name)}</text>',
        ]
    return drawn


def _look(point: _Point) -> str:
    colour = MARKS[point.how]
    return (
        f'fill="none" stroke="{colour}" stroke-width="2"'
        if point.hollow
        else f'fill="{colour}" class="point"'
    )


def _pieces(line: Line) -> list[tuple[str, float, str]]:
    """(what, ms, colour) of a bar; what the parts leave of the whole chain is not split up."""
    known = [part for part in PARTS if part[0] in line.cells]
    if "readout" in line.cells:  # as in the table: what is with transfer counts where read-out is not known
        known = [part for part in known if part[0] != "readout_transfer"]
    pieces = [(name, line.cells[key].value, colour) for key, name, colour in known]
    rest = (line.value("end_to_end") or 0.0) - sum(ms for _, ms, _ in pieces)
    if rest > 0.005 * (line.value("end_to_end") or 1.0):
        pieces.append((WHOLE[0], rest, WHOLE[1]))
    return pieces


def _total_ms(line: Line) -> float:
    return line.value("end_to_end") or sum(ms for _, ms, _ in _pieces(line))


def _axis(longest: float, scale: float, height: int) -> str:
    drawn = ""
    for ms in _steps(longest):
        x = LABEL + ms * scale
        drawn += f'<line x1="{x:.1f}" x2="{x:.1f}" y1="28" y2="{height - 20}" class="grid"/>'
        drawn += f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle" class="tick">{ms:g}</text>'
    return drawn


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    drawn, x = "", float(LABEL)
    for name, colour in entries:
        drawn += f'<rect x="{x:.0f}" y="6" width="12" height="12" fill="{colour}"/><text x="{x + 17:.0f}" y="16" class="small">{name}</text>'  # noqa: E501
        x += 36 + 6.6 * len(name)
    return drawn


def _svg(height: float, title: str, drawn: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}" '
        'xmlns="http://www.w3.org/2000/svg">' + "".join(drawn) + "</svg>"
    )


def _name(line: Line) -> str:
    return f"{line.platform} · {line.network}"


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """Powers of ten around values, with room on either side."""
    low, high = math.log10(min(values)), math.log10(max(values))
    return math.floor(low - 0.05), math.ceil(high + 0.05)


def _steps(longest: float) -> list[float]:
    """About six round numbers from 0 on."""
    raw = longest / 6
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    return [step * number for number in range(int(longest / step) + 1)]


def _power(power: int) -> str:
    names = {-3: "0.001", -2: "0.01", -1: "0.1", 0: "1", 1: "10", 2: "100", 3: "1000"}
    return names.get(power, f'10<tspan dy="-5" font-size="9">{power}</tspan>')
