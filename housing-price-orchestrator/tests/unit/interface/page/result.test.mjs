import assert from "node:assert/strict";
import { test } from "node:test";

import { agreementText, guesses } from "./static/assumptions.js";
import { gridGroups } from "./static/comparison.js";
import { problemInWords, stillHolds } from "./static/evidence.js";
import { confidenceInWords, intervalInWords, methodInWords, sourceInWords, warningInWords, yearsInWords } from "./static/headline.js";
import { askLike, completedHouse, valueOf } from "./static/valuation.js";
import { changeInWords } from "./static/variants-table.js";
import { changed, differing, offered } from "./static/variants.js";

const field = (key, group, more = {}) => ({ key, title: key.toUpperCase(), group, unit: null, values: [], ...more });
const fields = [
  field("area", "size", { unit: "square feet", required: true }),
  field("rooms", "size", { unit: "1" }),
  field("street", "lot", { values: [{ value: "P", label: "Paved" }, { value: "G", label: "Gravel" }] }),
  field("pool", "outside", { nullable: true }),
];
const groups = ["size", "lot", "outside"].map((key) => ({
  key,
  title: key,
  fields: fields.filter(({ group }) => group === key),
}));
const LABELS = {
  Confidence: { high: "High" },
  ValuationPart: { comparables: "Comparable sales" },
  ValueMethod: { price: "Predicted price alone" },
};
const schema = {
  fields,
  groups,
  field: (key) => fields.find((one) => one.key === key),
  labelOf: (type, word) => LABELS[type][word] ?? word,
};

const house = { area: 900, rooms: 5, street: "P", pool: null };
const sale = (house, adjustments) => ({ house, adjustments });

test("the grid has the features that differ, as labels, and the amount of each group", () => {
  const sales = [
    sale({ ...house, area: 1000 }, [{ group: "size", usd: -500 }]),
    sale({ ...house, street: "G" }, [{ group: "lot", usd: 20.4 }]),
  ];
  const { groups: rows, equal } = gridGroups(house, sales, schema);
  assert.deepEqual(rows.map(({ key, amounts }) => [key, amounts]), [["size", [-500, 0]], ["lot", [0, 20.4]]]);
  assert.deepEqual(rows[0].features.map(({ field: { key }, own, others }) => [key, own, others]), [["area", "900", [{ text: "1,000" }, null]]]);
  assert.deepEqual(rows[1].features.map(({ own, others }) => [own, others]), [["Paved", [null, { text: "Gravel" }]]]);
  assert.deepEqual(equal.map(({ key }) => key), ["outside"]);
});

test("a missing nullable feature equals an absent one", () => {
  const { pool, ...without } = house;
  assert.equal(pool, null);
  assert.deepEqual(gridGroups(house, [sale(without, [])], schema).groups, []);
});

test("adjustments that failed are unknown, not zero", () => {
  const { groups: rows } = gridGroups(house, [sale({ ...house, area: 1 }, null)], schema);
  assert.deepEqual(rows.map(({ key, amounts }) => [key, amounts]), [["size", [null]]]);
});

test("a group with an amount is shown even if no feature of it is known to differ", () => {
  const { groups: rows } = gridGroups(house, [sale({ ...house }, [{ group: "outside", usd: 7 }])], schema);
  assert.deepEqual(rows.map(({ key }) => key), ["outside"]);
});

test("the completed house has the facts before the assumptions, and null stays null", () => {
  const assumed = [{ field: "area", value: 1 }, { field: "rooms", value: 6 }, { field: "pool", value: null }];
  assert.deepEqual(completedHouse({ area: 900 }, assumed), { area: 900, rooms: 6, pool: null });
});

test("a variant is asked from the operation of the result", () => {
  const asked = [];
  const context = { api: { post: (...call) => asked.push(call) }, houseId: 7 };
  askLike({ estimate: {} }, { area: 1 }, context, "options");
  askLike({ value: {} }, house, context, "options");
  assert.deepEqual(asked, [
    ["api/v1/valuation/estimate", { area: 1 }, "options"],
    ["api/v1/valuation?include=", { id: 7, ...house }, "options"],
  ]);
});

test("the answers that help most are those on which the fewest sales agree", () => {
  const assumed = [["area", 0.9], ["rooms", 0.4], ["street", 0.6]].map(([key, agreement]) => ({ field: key, agreement }));
  assert.deepEqual(guesses(assumed).map((one) => one.field), ["rooms", "street"]);
  assert.deepEqual(assumed.map((one) => one.field), ["area", "rooms", "street"]);
  assert.equal(agreementText(0.85, 20), "17 of 20");
});

test("interval, years and warnings are sentences", () => {
  assert.equal(
    intervalInWords({ low: 97266.8, high: 146269.23, level: 0.9 }),
    "In 9 of 10 cases, the sale price is between about $97,300 and $146,000.",
  );
  assert.match(yearsInWords({ first: 2006, last: 2010 }), /2006 to 2010/);
  assert.match(yearsInWords(null), /does not say/);
  assert.match(
    warningInWords({ field: "area", value: 90000, range: { low: 334, high: 5642 } }, schema),
    /^AREA: 90,000 square feet .*334 square feet to 5,642 square feet/,
  );
  assert.match(warningInWords({ field: "street", value: "X", words: ["P", "G"] }, schema), /X .*Paved and Gravel/);
});

test("basis and confidence are shown with their labels, and with what they mean if that is known", () => {
  assert.match(methodInWords("price", schema), /^Basis: predicted price alone\. .*no comparable sales confirm it\.$/);
  assert.match(confidenceInWords("high", schema), /^Confidence: high\. At least 9 of 10 values/);
  assert.equal(confidenceInWords("new", schema), "Confidence: new.");
});

test("a price that was not computed for this request is told from one that was", () => {
  assert.match(sourceInWords({ price: { degraded: true } }), /last known price/);
  assert.match(sourceInWords({ price: { cached: true } }), /a moment ago/);
  assert.equal(sourceInWords({ price: {} }), "");
  assert.equal(sourceInWords({ estimate: {} }), "");
});

test("a failed part is named with its reason, and with what still holds", () => {
  const problem = { part: "comparables", title: "Circuit open", status: 503, retryAfter: 1 };
  assert.equal(problemInWords(problem, schema), "Comparable sales: not available. Circuit open (status 503). Try again in 1 second.");
  assert.match(problemInWords({ ...problem, part: "new", retryAfter: null }, schema), /^new: not available\. Circuit open \(status 503\)\.$/);
  assert.match(stillHolds({ value: { method: "price" }, comparables: null, explanation: {} }), /predicted price alone.*typical house/);
  assert.match(stillHolds({ value: { method: "priceAndComparables" }, comparables: {}, explanation: null }), /sold houses/);
});

test("variants: changes apply, undefined makes a feature unknown, null stays", () => {
  assert.deepEqual(changed({ area: 1, rooms: 2 }, { area: 5, rooms: undefined, pool: null }), { area: 5, pool: null });
  assert.deepEqual(differing({ area: 1, pool: null }, { area: 1, rooms: 2 }, schema).map(({ key }) => key), ["rooms", "pool"]);
});

test("all answers are offered for a change while they are few, then those that are needed", () => {
  assert.deepEqual(offered({ street: "P", area: 1 }, schema, 3).map(({ key }) => key), ["area", "street"]);
  assert.deepEqual(offered(house, schema, 3).map(({ key }) => key), ["area"]);
});

test("the change is told with its sign and what it is compared with", () => {
  const variant = (name, answer) => ({ name, answer });
  const text = changeInWords(variant("Variant 1", { value: { amount: 100000 } }), variant("", { value: { amount: 98500 } }));
  assert.match(text, /\$98,500: \$1,500 less than with variant 1/);
  assert.equal(valueOf({ estimate: { amount: 1 } }).amount, 1);
});
