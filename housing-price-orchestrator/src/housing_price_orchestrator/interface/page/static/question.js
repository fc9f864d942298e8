// One question: a list of words, or a number with its unit and range.

import { element, replace } from "./dom.js";
import { isShown } from "./schema.js";

const NOT_KNOWN = "Not known";

/**
 * Makes the question for a field of the schema. Each form of the page needs a prefix of its own for its ids.
 *
 * Returns `{field, id, root, read, write, showError, focus}`. An answer is `undefined` if it is not known, and `null` if
 * the house does not have it.
 */
export function question(field, prefix = "question") {
  const id = `${prefix}-${field.key}`;
  const control = field.values.length > 0 ? wordControl(field, id) : numberControl(field, id);
  const error = element("p", { class: "question-error", id: `${id}-error`, hidden: true });
  const hintText = hintOf(field);
  const hint = element("p", { class: "hint", id: `${id}-hint`, hidden: hintText === "" }, hintText);
  const root = element(
    "div",
    { class: "question" },
    element(
      "label",
      { for: id },
      field.title,
      field.required && element("span", { class: "question-needed" }, " (needed)"),
    ),
    control.root,
    element("div", { class: "question-notes" }, error, hint, control.none),
  );

  function showError(text) {
    error.hidden = text === null;
    replace(error, text);
    root.classList.toggle("is-invalid", text !== null);
    if (text === null) control.input.removeAttribute("aria-invalid");
    else control.input.setAttribute("aria-invalid", "true");
    const describing = [error, root.querySelector(".question-unit"), hint].filter((one) => one && !one.hidden);
    if (describing.length === 0) control.input.removeAttribute("aria-describedby");
    else control.input.setAttribute("aria-describedby", describing.map((one) => one.id).join(" "));
  }

  function focus() {
    const group = root.closest("details");
    if (group) group.open = true;
    control.input.focus();
    root.scrollIntoView({ block: "center" });
  }

  showError(null);
  return { field, id, root, read: control.read, write: control.write, showError, focus };
}

/** Returns what a person has to know to answer: the description, unless it only repeats the title, and the range. */
export function hintOf(field) {
  const texts = addsNothing(field) ? [] : [field.description];
  if (field.values.length === 0 && field.minimum !== null && field.maximum !== null) {
    const text = (limit) => (field.unit === "year" ? String(limit) : limit.toLocaleString("en-US"));
    texts.push(`${text(field.minimum)} to ${text(field.maximum)}.`);
  }
  return texts.join(" ");
}

const NO_CONTENT = new Set(["the", "a", "an", "of", "in", "is", "number", "whether", "house", "has"]);

/** Returns whether a description only repeats the title and the unit, as "The size of the lot, in square feet." does. */
function addsNothing({ title, unit, description }) {
  const words = (text) => text.toLowerCase().match(/[\p{L}\d]+/gu) ?? [];
  const known = new Set([...words(title), ...words(unit ?? ""), ...(unit === "USD" ? ["us", "dollars"] : [])]);
  return words(description).every((word) => NO_CONTENT.has(word) || known.has(word));
}

function wordControl(field, id) {
  const answers = [undefined, ...(field.blankLabel ? [null] : []), ...field.values.map(({ value }) => value)];
  const options = answers.map((value) => {
    const label = field.values.find((one) => one.value === value)?.label;
    return element("option", { value: value ?? "" }, label ?? (value === null ? field.blankLabel : NOT_KNOWN));
  });
  const input = element("select", { id, "aria-required": field.required && "true" }, options);
  return {
    input,
    root: element("div", { class: "question-control" }, input),
    none: null,
    read: () => answers[input.selectedIndex],
    write: (value) => {
      input.selectedIndex = Math.max(0, answers.indexOf(value));
    },
  };
}

function numberControl(field, id) {
  // Not of type "number", which hides invalid text from scripts: the API explains it.
  const input = element("input", {
    id,
    type: "text",
    inputmode: field.kind === "integer" ? "numeric" : "decimal",
    autocomplete: "off",
    "aria-required": field.required && "true",
  });
  const none = field.blankLabel && element("input", { type: "checkbox", id: `${id}-none`, onchange: update });
  function update() {
    input.disabled = Boolean(none) && none.checked;
  }
  return {
    input,
    root: element(
      "div",
      { class: "question-control" },
      input,
      isShown(field.unit) && element("span", { class: "question-unit", id: `${id}-unit` }, field.unit),
    ),
    none: none && element("label", { class: "question-none", for: none.id }, none, field.blankLabel),
    read: () => (none && none.checked ? null : numberIn(input.value)),
    write: (value) => {
      if (none) none.checked = value === null;
      update();
      input.value = value ?? "";
    },
  };
}

/** Returns the number in a text, undefined for a blank text, and any other text as it is, for the API to refuse. */
export function numberIn(text) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const digits = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(trimmed) ? trimmed.replaceAll(",", "") : trimmed;
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(digits);
  // Beyond the range of doubles, JSON has no number either.
  return isNumber && Number.isFinite(Number(digits)) ? Number(digits) : trimmed;
}
