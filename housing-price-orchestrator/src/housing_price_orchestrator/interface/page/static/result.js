// The result of an estimate or a valuation, for a home owner.

import { assumptionsSection } from "./assumptions.js";
import { paragraph, section } from "./blocks.js";
import { element } from "./dom.js";
import { comparablesSection, explanationSection, problemsBlock } from "./evidence.js";
import { dollars } from "./format.js";
import { headline } from "./headline.js";
import { createLatest } from "./latest.js";
import { askForComparison, completedHouse } from "./valuation.js";
import { problemBox } from "./problems.js";
import { createWhatIf } from "./whatif.js";

const shown = new WeakMap();

/**
 * Shows an answer of `/valuation/estimate` or `/valuation` in `place`, with a section to try changes.
 *
 * `context.facts` are the answers that were asked with. An estimate has no comparable sales: they come from a valuation of
 * the house that the assumed features complete. Returns a function that ends running requests.
 */
export function showResult(place, answer, context) {
  clearResult(place);
  const { schema } = context;
  const facts = context.facts ?? {};
  const whatIf = createWhatIf(facts, answer, context);
  const evidence = element("div", { class: "result-evidence" });
  const comparison = createLatest();
  place.replaceChildren(
    headline(answer, schema),
    ...problemsBlock(answer, schema),
    whatIf.root,
    evidence,
    ...assumptionsSection(answer, schema),
  );
  if (answer.value) evidence.replaceChildren(...evidenceOf(answer, facts, schema));
  else loadComparison(evidence, comparison, answer, { ...context, facts });
  const end = () => {
    comparison.cancel();
    whatIf.end();
  };
  shown.set(place, end);
  return () => clearResult(place);
}

/** Removes a result and end its requests. */
export function clearResult(place) {
  shown.get(place)?.();
  shown.delete(place);
  place.replaceChildren();
}

const evidenceOf = (valuation, house, schema, assumed) => [
  ...explanationSection(valuation, schema),
  ...comparablesSection(valuation, house, schema, assumed),
];

async function loadComparison(place, latest, answer, context) {
  const { facts, schema } = context;
  place.replaceChildren(paragraph("Looking for comparable sales …", "result-waiting"));
  place.setAttribute("aria-busy", "true");
  try {
    const arrived = await latest.run((signal) => askForComparison(facts, answer.assumed, context, { signal }));
    if (!arrived) return;
    const valuation = arrived.value;
    const assumed = new Set(answer.assumed.map(({ field }) => field));
    place.replaceChildren(
      comparisonNote(answer, valuation),
      ...problemsBlock(valuation, schema),
      ...evidenceOf(valuation, completedHouse(facts, answer.assumed), schema, assumed),
    );
  } catch (error) {
    place.replaceChildren(failedComparison(error, () => loadComparison(place, latest, answer, context)));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

function comparisonNote({ assumed }, { value }) {
  const how = assumed.length
    ? `A comparison needs every feature, so it uses the ${assumed.length} assumed ones as if they were known.`
    : "The comparison uses your answers; no feature is assumed.";
  return paragraph(
    `${how} With them, the value is ${dollars(value.amount)}. The estimate above is the safer figure: it also considers that the assumptions may be wrong.`,
    "result-note",
  );
}

function failedComparison(problem, again) {
  return section(
    "Comparable sales",
    paragraph("The comparison with sold houses failed. The estimate above holds with its interval, and so do the assumptions."),
    problemBox(problem, { onRetry: again }),
  );
}
