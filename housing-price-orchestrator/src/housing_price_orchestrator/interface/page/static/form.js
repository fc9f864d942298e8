// The questions about a house, made from the schema: the first ones open, the others folded by group.

import { element, replace } from "./dom.js";
import { question } from "./question.js";

/** The only names of fields in this page: the questions that come first, in this order. Every other text and rule is
 * the API's. */
export const FIRST_QUESTIONS = [
  "neighborhood",
  "bldgType",
  "yearBuilt",
  "grLivArea",
  "lotArea",
  "totalBsmtSf",
  "overallQual",
  "overallCond",
  "bedroomAbvGr",
  "fullBath",
  "kitchenQual",
  "garageCars",
];

/**
 * Adds the questions to `parent`.
 *
 * `onChange(facts)` is called after each change of an answer. Returns
 * - `read()`: the answers, by key: null for "none", and no entry for a question without an answer;
 * - `fill(house)`: sets the answers to those of `house`, and removes all others;
 * - `showFindings(errors)`: explains invalid answers beside their questions, in the API's words;
 * - `clear()`: removes all answers.
 */
export function createForm(parent, context, { onChange = () => {} } = {}) {
  const { schema } = context;
  const questions = new Map(schema.fields.map((field) => [field.key, question(field)]));
  const first = FIRST_QUESTIONS.filter((key) => questions.has(key));
  const summary = element("div", { class: "findings", hidden: true });
  const folded = schema.groups
    .map((group) => foldedGroup(group.title, group.fields.filter((field) => !first.includes(field.key)), questions))
    .filter((group) => group !== null);

  const root = element(
    "div",
    { class: "form", oninput: changed },
    summary,
    element(
      "section",
      { class: "card", "aria-label": "First questions" },
      element("div", { class: "questions" }, first.map((key) => questions.get(key).root)),
    ),
    element("h2", { class: "form-more" }, "More about the house"),
    element("p", { class: "form-more-hint" }, "Optional. An estimate from more facts is usually more precise."),
    element("div", { class: "groups" }, folded.map((group) => group.root)),
  );
  parent.append(root);

  function changed(event) {
    for (const one of questions.values()) {
      if (one.root.contains(event.target)) one.showError(null);
    }
    count();
    onChange(read());
  }

  function count() {
    for (const group of folded) group.count();
  }

  function read() {
    const answers = [...questions].map(([key, one]) => [key, one.read()]);
    return Object.fromEntries(answers.filter(([, value]) => value !== undefined));
  }

  function fill(house) {
    for (const [key, one] of questions) one.write(house[key]);
    showFindings([]);
    count();
    onChange(read());
  }

  function showFindings(errors) {
    const texts = new Map();
    const others = [];
    for (const { loc = [], msg } of errors) {
      const key = loc.findLast((part) => questions.has(part));
      if (key === undefined) others.push(msg);
      else texts.set(key, [...(texts.get(key) ?? []), msg]);
    }
    const invalid = [];
    for (const [key, one] of questions) {
      one.showError(texts.get(key)?.join(". ") ?? null);
      if (texts.has(key)) invalid.push([key, one]);
    }
    // In the order of the page, which is not that of the API.
    invalid.sort(([, a], [, b]) =>
      a.root.compareDocumentPosition(b.root) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1,
    );
    summary.hidden = errors.length === 0;
    replace(summary, errors.length > 0 && summaryOf(invalid, texts, others));
    if (invalid.length > 0) invalid[0][1].focus();
    else if (errors.length > 0) summary.firstElementChild.focus();
  }

  function summaryOf(invalid, texts, others) {
    const count = invalid.length + others.length;
    return [
      element("h2", { tabindex: "-1" }, count === 1 ? "One answer is not valid" : `${count} answers are not valid`),
      element(
        "ul",
        {},
        invalid.map(([key, one]) => element("li", {}, linkTo(one), ": ", texts.get(key).join(". "))),
        others.map((text) => element("li", {}, text)),
      ),
    ];
  }

  return { read, fill, showFindings, clear: () => fill({}) };
}

function linkTo(one) {
  const focus = (event) => {
    // The fragment of the address names the view.
    event.preventDefault();
    one.focus();
  };
  return element("a", { href: `#${one.id}`, onclick: focus }, one.field.title);
}

function foldedGroup(title, fields, questions) {
  if (fields.length === 0) return null;
  const asked = fields.map((field) => questions.get(field.key));
  const counter = element("span", { class: "group-count" });
  const root = element(
    "details",
    { class: "group" },
    element("summary", {}, element("span", { class: "group-title" }, title), " ", counter),
    element("div", { class: "questions" }, asked.map((one) => one.root)),
  );
  const count = () => {
    const answered = asked.filter((one) => one.read() !== undefined).length;
    const all = asked.length === 1 ? "1 question" : `${asked.length} questions`;
    counter.textContent = answered ? `${answered} of ${asked.length} answered` : all;
    root.classList.toggle("is-answered", answered > 0);
  };
  count();
  return { root, count };
}
