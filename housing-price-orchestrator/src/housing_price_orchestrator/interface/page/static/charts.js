// Pictures as SVG. Positions are percentages of the width, so that texts keep their size on every screen and on paper.

import { svg } from "./dom.js";
import { dollars, signedDollars } from "./format.js";

const PADDING = 0.06;
const NEAR_EDGE = 24;

let pictures = 0;

function picture({ title, description, height, kind }, ...shapes) {
  pictures += 1;
  const id = `picture-${pictures}`;
  return svg(
    "svg",
    { class: `result-picture ${kind}`, role: "img", "aria-labelledby": `${id}-title`, "aria-describedby": `${id}-text`, width: "100%", height },
    svg("title", { id: `${id}-title` }, title),
    svg("desc", { id: `${id}-text` }, description),
    ...shapes,
  );
}

const at = (position) => `${position.toFixed(2)}%`;

/**
 * Positions on a scale of 0 to 100 for an amount, its interval and further amounts.
 *
 * The interval takes at least a third of the scale: points that are further away are left out (`hidden`).
 */
export function intervalGeometry({ low, amount, high, points = [] }) {
  const width = Math.max(high - low, 1);
  const visible = points.filter((usd) => usd >= low - width && usd <= high + width);
  const first = Math.min(low, ...visible);
  const last = Math.max(high, ...visible);
  const span = Math.max(last - first, 1);
  const position = (usd) => 100 * (PADDING + ((usd - first) / span) * (1 - 2 * PADDING));
  return {
    low: position(low),
    amount: position(amount),
    high: position(high),
    points: visible.map(position),
    hidden: points.length - visible.length,
  };
}

/** The side of its position on which a text stands: never over an edge, and the ends of an interval never on each other. */
export function anchors({ low, amount, high }) {
  const middle = amount < NEAR_EDGE ? "start" : amount > 100 - NEAR_EDGE ? "end" : "middle";
  return { low: low < NEAR_EDGE ? "start" : "end", amount: middle, high: high > 100 - NEAR_EDGE ? "end" : "start" };
}

/** The interval of a value as a bar, with the value in it and the adjusted prices of sold houses below. */
export function intervalPicture({ low, amount, high, points = [] }, { title, description }) {
  const place = intervalGeometry({ low, amount, high, points });
  const side = anchors(place);
  const text = (position, y, anchor, words, kind) =>
    svg("text", { x: at(position), y, "text-anchor": anchor, class: kind }, words);
  const dots = place.points.map((position) =>
    svg("circle", { cx: at(position), cy: 84, r: 6, class: "result-dot" }),
  );
  return picture(
    { title, description, height: dots.length ? 100 : 76, kind: "result-interval" },
    svg("rect", { x: at(place.low), y: 28, width: at(place.high - place.low), height: 18, rx: 4, class: "result-range" }),
    svg("line", { x1: at(place.amount), x2: at(place.amount), y1: 22, y2: 52, class: "result-mark" }),
    text(place.amount, 16, side.amount, dollars(amount), "result-strong"),
    text(place.low, 66, side.low, dollars(low), "result-end"),
    text(place.high, 66, side.high, dollars(high), "result-end"),
    ...dots,
  );
}

/** Start and width of each bar, and the position of zero, on a scale of 0 to 100. */
export function barGeometry(amounts) {
  const first = Math.min(0, ...amounts);
  const span = Math.max(Math.max(0, ...amounts) - first, 1);
  const position = (usd) => (100 * (usd - first)) / span;
  return {
    zero: position(0),
    bars: amounts.map((usd) => ({ start: position(Math.min(0, usd)), width: position(Math.abs(usd)) - position(0) })),
  };
}

const ROW = 44;

/** Differences as bars to the left and to the right of zero; each has its name and its amount above it. */
export function barPicture(differences, { title, description }) {
  const { zero, bars } = barGeometry(differences.map(({ usd }) => usd));
  const rows = differences.flatMap(({ label, usd }, index) => [
    svg("text", { x: 0, y: index * ROW + 16, class: "result-label" }, label),
    svg("text", { x: "100%", y: index * ROW + 16, "text-anchor": "end", class: "result-label" }, signedDollars(usd)),
    svg("rect", {
      x: at(bars[index].start),
      y: index * ROW + 22,
      width: at(bars[index].width),
      height: 14,
      rx: 2,
      class: usd < 0 ? "result-lower" : "result-higher",
    }),
  ]);
  const height = differences.length * ROW;
  const axis = differences.map((_, index) =>
    svg("line", { x1: at(zero), x2: at(zero), y1: index * ROW + 20, y2: index * ROW + 38, class: "result-axis" }),
  );
  return picture({ title, description, height, kind: "result-bars" }, ...rows, ...axis);
}
