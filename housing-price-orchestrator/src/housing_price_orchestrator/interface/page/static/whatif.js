// "What if": change an answer and see the value change, beside a variant that was kept.

import { paragraph } from "./blocks.js";
import { element, replace } from "./dom.js";
import { createLatest, debounce } from "./latest.js";
import { problemBox } from "./problems.js";
import { question } from "./question.js";
import { askLike } from "./valuation.js";
import { changed, offered } from "./variants.js";
import { changeInWords, variantsTable } from "./variants-table.js";

const PAUSE_MS = 300;
const MAX_OFFERED = 12;

const button = (text, onclick) => element("button", { type: "button", class: "button", onclick }, text);

/**
 * Makes the section "What if" for the facts of a result and its answer.
 *
 * Returns `{root, end}`; `end()` stops the requests that run.
 */
export function createWhatIf(facts, answer, context) {
  const { schema } = context;
  const yours = { name: "Your answers", facts, answer };
  const latest = createLatest();
  const questions = new Map();
  let kept = yours;
  let current = yours;
  let keptCount = 0;

  const asked = element("div", { class: "questions whatif-questions", oninput: onInput });
  const more = element("select", { id: "whatif-more", onchange: offerChosen });
  const status = element("p", { class: "whatif-status", role: "status" });
  const trouble = element("div", { class: "whatif-trouble" });
  const table = element("div", { class: "whatif-table" });
  const keep = button("Keep this variant beside", keepVariant);
  const reset = button("Back to your answers", backToYours);
  const root = element(
    "section",
    { class: "result-section whatif card" },
    element("h2", {}, "What if"),
    paragraph("Change an answer and see the value change. Your answers above stay as they are."),
    asked,
    element("div", { class: "question whatif-more" }, element("label", { for: more.id }, "Change another feature"), more),
    status,
    trouble,
    table,
    element("div", { class: "whatif-actions" }, keep, reset),
  );
  const askSoon = debounce(ask, PAUSE_MS);

  function offer(field) {
    const one = question(field, "whatif");
    one.write(facts[field.key]);
    questions.set(field.key, one);
    asked.append(one.root);
    refreshChoices();
    return one;
  }

  function offerChosen() {
    const field = schema.field(more.value);
    if (field) offer(field).focus();
  }

  function onInput(event) {
    for (const one of questions.values()) if (one.root.contains(event.target)) one.showError(null);
    // The running request is for a variant that is no longer asked for.
    latest.cancel();
    status.textContent = "Calculating …";
    askSoon();
  }

  const variant = () => changed(facts, Object.fromEntries([...questions].map(([key, one]) => [key, one.read()])));

  async function ask() {
    const own = variant();
    replace(trouble);
    try {
      const arrived = await latest.run((signal) => askLike(answer, own, context, { signal }));
      if (arrived) show({ name: "With your changes", facts: own, answer: arrived.value });
    } catch (problem) {
      showProblem(problem);
    }
  }

  function show(newest) {
    current = newest;
    for (const one of questions.values()) one.showError(null);
    status.textContent = changeInWords(kept, current);
    refresh();
  }

  function showProblem(problem) {
    status.textContent = "This variant has no value.";
    const findings = (problem.errors ?? []).map(({ loc = [], msg }) => ({ one: questions.get(loc.at(-1)), loc, msg }));
    for (const { one, msg } of findings) one?.showError(msg);
    const others = findings.filter(({ one }) => !one);
    if (findings.length && !others.length) return;
    const texts = others.map(({ loc, msg }) => paragraph(`${schema.field(loc.at(-1))?.title ?? ""} ${msg}`));
    replace(trouble, texts.length ? texts : problemBox(problem, { onRetry: ask }));
  }

  function keepVariant() {
    keptCount += 1;
    kept = { ...current, name: `Variant ${keptCount}` };
    status.textContent = `${kept.name} is kept. Change an answer to compare another variant with it.`;
    refresh();
  }

  function startAgain() {
    end();
    questions.clear();
    kept = current = yours;
    replace(asked);
    replace(trouble);
    offered(facts, schema, MAX_OFFERED).forEach(offer);
    status.textContent = "";
    refresh();
  }

  function backToYours() {
    startAgain();
    // The button is gone now, and the focus with it.
    [...questions.values(), { focus: () => more.focus() }][0].focus();
  }

  function refresh() {
    const isChanged = current !== yours;
    keep.hidden = current.answer === kept.answer;
    reset.hidden = !isChanged;
    replace(table, isChanged && variantsTable(kept, current, schema));
  }

  function refreshChoices() {
    const choices = schema.groups.map(({ title, fields }) => {
      const rest = fields.filter(({ key }) => !questions.has(key));
      return rest.length > 0 && element("optgroup", { label: title }, rest.map((field) => element("option", { value: field.key }, field.title)));
    });
    replace(more, element("option", { value: "" }, "Choose a feature"), choices);
  }

  function end() {
    askSoon.cancel();
    latest.cancel();
  }

  refreshChoices();
  startAgain();
  return { root, end };
}
