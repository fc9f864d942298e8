// The view "Estimate": the questions, and the answer of the API.

import { ask } from "./ask.js";
import { element } from "./dom.js";
import { createForm } from "./form.js";
import { problemBox } from "./problems.js";
import { clearResult, showResult } from "./result.js";

const BUSY = "Estimating...";
const OUTDATED = "The answers have changed since this estimate.";

/** Shows the view. The answers are kept in `context` while another view is shown. */
export async function mount(view, context) {
  const status = element("p", { class: "status", role: "status" });
  const result = element("section", { class: "estimate-result", "aria-label": "Result", tabindex: "-1" });
  const form = element("form", { class: "estimate-form", novalidate: true, onsubmit: submit });
  let request = null;

  view.append(
    element("h1", {}, "What is this house worth?"),
    element(
      "p",
      { class: "lead" },
      "Describe a house in Ames, Iowa. The answer is an estimate of its sale price, how certain it is, and why.",
    ),
    element(
      "div",
      { class: "estimate-start" },
      element("button", { type: "button", class: "button", onclick: fillExample }, "Fill in an example"),
      element("button", { type: "button", class: "button is-quiet", onclick: clear }, "Clear"),
    ),
    form,
    result,
  );
  const questions = createForm(form, context, { onChange: noteChange });
  form.append(
    element(
      "div",
      { class: "actions" },
      element("button", { type: "submit", class: "button is-primary" }, "Estimate the value"),
      status,
    ),
  );
  if (context.facts) questions.fill(context.facts);

  async function submit(event) {
    event?.preventDefault();
    request?.abort();
    const own = (request = new AbortController());
    form.setAttribute("aria-busy", "true");
    status.textContent = BUSY;
    try {
      const facts = questions.read();
      const answer = await ask(context, facts, { signal: own.signal });
      questions.showFindings([]);
      showResult(result, answer, { ...context, facts });
      result.focus({ preventScroll: true });
      result.scrollIntoView({ block: "start" });
    } catch (problem) {
      if (own.signal.aborted) return;
      explain(problem);
    } finally {
      if (request === own) setIdle();
    }
  }

  function explain(problem) {
    if (problem.status === 422 && problem.errors.length > 0) {
      clearResult(result);
      questions.showFindings(problem.errors);
      return;
    }
    const box = problemBox(problem, { onRetry: () => submit() });
    clearResult(result);
    result.append(box);
    box.focus();
    if (problem.status === undefined) throw problem;
  }

  function noteChange() {
    if (result.hasChildNodes() && !request) status.textContent = OUTDATED;
  }

  function setIdle() {
    request = null;
    form.removeAttribute("aria-busy");
    if (status.textContent === BUSY) status.textContent = "";
  }

  function fillExample() {
    questions.fill(context.schema.examples.facts ?? {});
    status.textContent = "The example is filled in.";
  }

  function clear() {
    request?.abort();
    questions.clear();
    clearResult(result);
    status.textContent = "All answers are removed.";
  }

  return () => {
    request?.abort();
    clearResult(result);
    context.facts = questions.read();
  };
}
