import assert from "node:assert/strict";
import { test } from "node:test";

import * as format from "./static/format.js";

test("amounts are in US dollars, whole or to the cent", () => {
  assert.equal(format.dollars(121500.25), "$121,500");
  assert.equal(format.exactDollars(121500.25), "$121,500.25");
  assert.equal(format.exactDollars(121500), "$121,500.00");
});

test("differences have a sign, and zero has none", () => {
  assert.equal(format.signedDollars(4150.4), "+$4,150");
  assert.equal(format.signedDollars(-4150.6), "−$4,151");
  assert.equal(format.signedDollars(-4150.5), "−$4,151");
  assert.equal(format.signedDollars(0), "$0");
  assert.equal(format.signedDollars(-0.3), "$0");
  assert.equal(format.signedDollars(0.3), "$0");
});

test("words round to three digits", () => {
  const pairs = [[0, 0], [1234, 1230], [98765, 98800], [121501, 122000], [999600, 1000000], [1234567, 1230000], [-1234, -1230], [0.99, 1]];
  for (const [amount, rounded] of pairs) assert.equal(format.roundedAmount(amount), rounded);
  assert.equal(format.dollarsInWords(210123.4), "about 210,000 US dollars");
});

test("a probability is in words where tenths say it", () => {
  assert.equal(format.chance(0.9), "9 of 10");
  assert.equal(format.chance(0.95), "95%");
});

test("months do not depend on the time zone", () => {
  assert.equal(format.monthOfSale("2010-01"), "Jan 2010");
  assert.equal(format.monthOfSale("2009-12"), "Dec 2009");
});

test("years are a range, or one year", () => {
  assert.equal(format.yearsText({ first: 2006, last: 2010 }), "2006 to 2010");
  assert.equal(format.yearsText({ first: 2010, last: 2010 }), "2010");
});

const area = { title: "Lot size", unit: "square feet", values: [] };
const year = { title: "Year built", unit: "year", values: [] };
const word = { title: "Street", unit: null, values: [{ value: "Pave", label: "Paved" }, { value: 20, label: "One floor" }] };

test("values have labels, units and separators where they help", () => {
  assert.equal(format.featureText(area, 11622), "11,622 square feet");
  assert.equal(format.featureText(area, 306.5), "306.5 square feet");
  assert.equal(format.featureText(area, null), "not known");
  assert.equal(format.featureText({ ...area, blankLabel: "No basement" }, null), "No basement");
  assert.equal(format.featureText(year, 1961), "1961");
  assert.equal(format.featureText({ unit: "1", values: [] }, 2), "2");
  assert.equal(format.featureText({ unit: "grade, 1 to 10", values: [] }, 5), "5");
  assert.equal(format.featureText({ unit: "USD", values: [] }, 1500), "$1,500");
  assert.equal(format.featureText({ unit: "month of the year", values: [] }, 12), "December");
  assert.equal(format.featureText(word, "Pave"), "Paved");
  assert.equal(format.featureText(word, 20), "One floor");
});

test("a value that the document does not describe is shown as it is", () => {
  assert.equal(format.featureText(word, "Grvl"), "Grvl");
  assert.equal(format.featureText(undefined, "TA"), "TA");
  assert.equal(format.titleOf(undefined, "newFeature"), "newFeature");
});

test("names are listed as in a sentence", () => {
  assert.equal(format.listed([]), "");
  assert.equal(format.listed(["size"]), "size");
  assert.equal(format.listed(["size", "age", "lot"]), "size, age and lot");
});
