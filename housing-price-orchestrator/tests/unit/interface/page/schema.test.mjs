import assert from "node:assert/strict";
import { test } from "node:test";

import { FIRST_QUESTIONS } from "./static/form.js";
import { hintOf, numberIn } from "./static/question.js";
import { Schema } from "./static/schema.js";

const GRADES = { enum: ["Ex", "Po", "TA", "XX"], type: "string", "x-enum-labels": { Ex: "Excellent", TA: "Typical", Po: "Poor" } };
const MONTHS = { minimum: 1, maximum: 2, type: "integer", "x-unit": "month of the year", "x-enum-labels": { 1: "January", 2: "February" } };
const AREA = { minimum: 0, maximum: 20000, type: "number", "x-unit": "square feet" };
const ref = (name, more = {}) => ({ $ref: `#/components/schemas/${name}`, ...more });
const orNull = (name, more = {}) => ({ anyOf: [ref(name), { type: "null" }], ...more });

function documentWith(properties, more = {}) {
  const operation = (operationId, value) => ({
    post: { operationId, requestBody: { content: { "application/json": { examples: { example: { value } } } } } },
  });
  return {
    paths: { "/a": operation("value", { id: 1 }), "/b": operation("estimate", { area: 2 }) },
    components: {
      schemas: {
        Grade: GRADES,
        Month: MONTHS,
        Area: AREA,
        HouseFacts: { properties, required: ["area"] },
        House: { "x-groups": { lot: "Lot", size: "Size" }, ...more },
      },
    },
  };
}

const PROPERTIES = {
  id: { type: "integer", title: "Id" },
  area: ref("Area", { title: "Living area", "x-group": "size", description: "The living area, in square feet." }),
  fence: orNull("Grade", {
    title: "Fence",
    "x-group": "lot",
    "x-blank-label": "No fence",
    description: "The quality of the fence: good (`Gd`) or fair (`Fa`); null if there is none.",
  }),
  month: ref("Month", { title: "Month", "x-group": "size", description: "The month of the sale." }),
};

test("a field has the texts, bounds and unit of the document", () => {
  const schema = new Schema(documentWith(PROPERTIES));
  assert.deepEqual(schema.field("area"), {
    key: "area",
    title: "Living area",
    description: "The living area, in square feet.",
    group: "size",
    unit: "square feet",
    minimum: 0,
    maximum: 20000,
    nullable: false,
    blankLabel: null,
    kind: "number",
    values: [],
    required: true,
  });
});

test("a word of an answer has the label of the document; without one it stays", () => {
  const schema = new Schema(documentWith(PROPERTIES));
  assert.deepEqual(["Ex", "XX"].map((word) => schema.labelOf("Grade", word)), ["Excellent", "XX"]);
  assert.equal(schema.labelOf("Area", "x"), "x");
  assert.equal(schema.labelOf("Absent", "x"), "x");
});

test("words have labels in the order of the labels; a word without one comes last, as it is", () => {
  const { values, kind, nullable, blankLabel, required } = new Schema(documentWith(PROPERTIES)).field("fence");
  assert.deepEqual(values, [
    { value: "Ex", label: "Excellent" },
    { value: "TA", label: "Typical" },
    { value: "Po", label: "Poor" },
    { value: "XX", label: "XX" },
  ]);
  assert.deepEqual([kind, nullable, blankLabel, required], ["words", true, "No fence", false]);
});

test("a number with labels is chosen by its label and sent as a number", () => {
  const { values } = new Schema(documentWith(PROPERTIES)).field("month");
  assert.deepEqual(values, [{ value: 1, label: "January" }, { value: 2, label: "February" }]);
});

test("codes and null are not explained to people", () => {
  assert.equal(new Schema(documentWith(PROPERTIES)).field("fence").description, "The quality of the fence: good or fair.");
});

test("groups have the order and the titles of the document; a field without a group is not asked", () => {
  const schema = new Schema(documentWith(PROPERTIES));
  assert.deepEqual(
    schema.groups.map(({ key, title, fields }) => [key, title, fields.map((field) => field.key)]),
    [["lot", "Lot", ["fence"]], ["size", "Size", ["area", "month"]]],
  );
  assert.equal(schema.field("id"), undefined);
});

test("a document without labels and groups still makes questions", () => {
  const schema = new Schema(documentWith({ area: ref("Area") }, { "x-groups": undefined }));
  assert.deepEqual(schema.groups.map(({ title, fields }) => [title, fields.length]), [["More facts", 1]]);
  assert.equal(schema.field("area").title, "area");
});

test("the examples are those of the operations", () => {
  assert.deepEqual(new Schema(documentWith(PROPERTIES)).examples, { facts: { area: 2 }, house: { id: 1 } });
});

test("a hint leaves out a description that only repeats the title, and a range that the labels show", () => {
  const schema = new Schema(documentWith(PROPERTIES));
  assert.equal(hintOf(schema.field("area")), "0 to 20,000.");
  assert.equal(hintOf(schema.field("month")), "The month of the sale.");
  assert.equal(hintOf({ ...schema.field("area"), title: "Size" }), "The living area, in square feet. 0 to 20,000.");
  assert.equal(hintOf({ ...schema.field("area"), unit: "year", minimum: 1800, maximum: 2100 }), "The living area, in square feet. 1800 to 2100.");
});

test("a number is read as people write it, and every other text is left for the API to refuse", () => {
  const cases = {
    "": undefined,
    "  ": undefined,
    " 896 ": 896,
    "1,500": 1500,
    "1,234,567.5": 1234567.5,
    "0": 0,
    "-0.5": -0.5,
    ".5": 0.5,
    "5.": 5,
    "1,50": "1,50",
    "1.500,5": "1.500,5",
    "1e3": "1e3",
    "0x10": "0x10",
    Infinity: "Infinity",
    NaN: "NaN",
    many: "many",
    "12 m": "12 m",
  };
  for (const [text, expected] of Object.entries(cases)) assert.deepEqual(numberIn(text), expected, text);
  // JSON has no number for it, and would send null: that the house does not have it.
  assert.equal(numberIn("9".repeat(400)), "9".repeat(400));
});

test("there are 8 to 12 first questions", () => {
  assert.ok(FIRST_QUESTIONS.length >= 8 && FIRST_QUESTIONS.length <= 12);
  assert.equal(new Set(FIRST_QUESTIONS).size, FIRST_QUESTIONS.length);
});
