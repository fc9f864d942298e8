import assert from "node:assert/strict";
import { test } from "node:test";

import { anchors, barGeometry, intervalGeometry } from "./static/charts.js";

const isInOrder = (positions) => positions.every((position, index) => index === 0 || positions[index - 1] <= position);

test("an interval keeps its order and leaves room at both edges", () => {
  const { low, amount, high } = intervalGeometry({ low: 100, amount: 130, high: 200 });
  assert.ok(isInOrder([0, low, amount, high, 100]));
  assert.ok(low > 5 && high < 95);
  assert.ok(Math.abs((amount - low) / (high - low) - 0.3) < 1e-9);
});

test("points widen the scale, but the interval stays the larger part", () => {
  const { low, high, points, hidden } = intervalGeometry({ low: 100, amount: 130, high: 200, points: [60, 150, 240] });
  assert.ok(isInOrder([0, points[0], low, points[1], high, points[2], 100]));
  assert.equal(hidden, 0);
});

test("a point that is far away does not shrink the interval to nothing", () => {
  const { low, high, points, hidden } = intervalGeometry({ low: 100, amount: 130, high: 200, points: [150, 10_000] });
  assert.equal(points.length, 1);
  assert.equal(hidden, 1);
  assert.ok(high - low > 25);
});

test("an interval without a width has finite positions", () => {
  const place = intervalGeometry({ low: 100, amount: 100, high: 100 });
  for (const position of [place.low, place.amount, place.high]) assert.ok(position >= 0 && position <= 100);
});

test("texts at an edge run inwards, and the ends of an interval run apart", () => {
  assert.deepEqual(anchors({ low: 6, amount: 50, high: 94 }), { low: "start", amount: "middle", high: "end" });
  assert.deepEqual(anchors({ low: 40, amount: 50, high: 60 }), { low: "end", amount: "middle", high: "start" });
  assert.equal(anchors({ low: 6, amount: 7, high: 94 }).amount, "start");
  assert.equal(anchors({ low: 6, amount: 93, high: 94 }).amount, "end");
});

test("bars start or end at zero, on one scale", () => {
  const { zero, bars } = barGeometry([-300, 100, 0]);
  assert.equal(zero, 75);
  assert.deepEqual(bars, [{ start: 0, width: 75 }, { start: 75, width: 25 }, { start: 75, width: 0 }]);
});

test("bars of one sign use the whole width, and bars of nothing are finite", () => {
  assert.deepEqual(barGeometry([50, 100]), { zero: 0, bars: [{ start: 0, width: 50 }, { start: 0, width: 100 }] });
  assert.deepEqual(barGeometry([0, 0]), { zero: 0, bars: [{ start: 0, width: 0 }, { start: 0, width: 0 }] });
});
