/* One question: a list of words, or a number with its unit and range. */

import { element, replace } from "./dom.js";
import { isShown } from "./schema.js";

const NOT_KNOWN = "Not known";
const NONE = "The house has none";

/**
 * Makes the question for a field of the schema. Each form of a view needs its own prefix of the ids.
 *
 * Returns `{field, id, root, read, write, showError, focus}`. An answer is `undefined` if it is not known, and `null` if
 * the house does not have it.
 */
export function question(field, prefix = "question") {
  const id = `${prefix}-${field.key}`;
  const control = field.values.length > 0 ? wordControl(field, id) : numberControl(field, id);
  const error = element("p", { class: "question-error", id: `${id}-error`, hidden: true });
  const hint = element("p", { class: "hint", id: `${id}-hint` }, hintOf(field));
  const root = element(
    "div",
    { class: "question" },
    element(
      "label",
      { for: id },
      field.title,
      field.required && element("span", { class: "question-needed" }, " (needed)"),
    ),
    hint,
    control.parts,
    error,
  );

  function showError(text) {
    error.hidden = text === null;
    replace(error, text);
    root.classList.toggle("is-invalid", text !== null);
    if (text === null) control.input.removeAttribute("aria-invalid");
    else control.input.setAttribute("aria-invalid", "true");
    control.input.setAttribute("aria-describedby", text === null ? hint.id : `${error.id} ${hint.id}`);
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

function hintOf(field) {
  if (field.minimum === null || field.maximum === null) return field.description;
  const [low, high] = [field.minimum, field.maximum].map((limit) =>
    field.unit === "year" ? String(limit) : limit.toLocaleString("en-US"),
  );
  return `${field.description} ${low} to ${high}.`;
}

function wordControl(field, id) {
  const answers = [undefined, ...(field.nullable ? [null] : []), ...field.values.map(({ value }) => value)];
  const options = answers.map((value) => {
    const label = field.values.find((one) => one.value === value)?.label;
    return element("option", { value: value ?? "" }, label ?? (value === null ? NONE : NOT_KNOWN));
  });
  const input = element("select", { id, "aria-required": field.required && "true" }, options);
  return {
    input,
    parts: [element("div", { class: "question-control" }, input)],
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
  const none = field.nullable && element("input", { type: "checkbox", id: `${id}-none`, onchange: update });
  function update() {
    input.disabled = Boolean(none) && none.checked;
  }
  return {
    input,
    parts: [
      element(
        "div",
        { class: "question-control" },
        input,
        isShown(field.unit) && element("span", { class: "question-unit", "aria-hidden": "true" }, field.unit),
      ),
      none && element("label", { class: "question-none", for: none.id }, none, NONE),
    ],
    read: () => (none && none.checked ? null : numberIn(input.value)),
    write: (value) => {
      if (none) none.checked = value === null;
      update();
      input.value = value ?? "";
    },
  };
}

/** Returns the number in a text, undefined for a blank text, and any other text as it is, for the API to refuse. */
function numberIn(text) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const digits = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(trimmed) ? trimmed.replaceAll(",", "") : trimmed;
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(digits);
  // Beyond the range of doubles, JSON has no number either.
  return isNumber && Number.isFinite(Number(digits)) ? Number(digits) : trimmed;
}
