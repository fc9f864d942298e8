// Two variants of a house side by side.

import { element } from "./dom.js";
import { dollars, featureText, percent, signedDollars } from "./format.js";
import { valueOf } from "./valuation.js";
import { differing } from "./variants.js";

/** The new value in words, with its difference from the kept variant. */
export function changeInWords(kept, current) {
  const amount = valueOf(current.answer).amount;
  const difference = Math.round(amount - valueOf(kept.answer).amount);
  const change = difference ? `${dollars(Math.abs(difference))} ${difference > 0 ? "more" : "less"} than` : "the same as";
  return `The value is ${dollars(amount)}: ${change} with ${kept.name.toLowerCase()}.`;
}

const interval = ({ answer }) => {
  const { low, high } = valueOf(answer).interval;
  return `${dollars(low)} to ${dollars(high)}`;
};

/** Returns a table of two variants: the value, its interval, the difference, and the features that differ. */
export function variantsTable(kept, current, schema) {
  const amounts = [kept, current].map(({ answer }) => valueOf(answer).amount);
  const text = (field, facts) => (facts[field.key] === undefined ? "not answered" : featureText(field, facts[field.key]));
  const row = (title, one, other, kind) =>
    element("tr", { class: kind }, element("th", { scope: "row" }, title), element("td", {}, one), element("td", {}, other));
  return element(
    "table",
    { class: "whatif-variants" },
    element("caption", {}, "Two variants side by side"),
    element("thead", {}, element("tr", {}, ["Feature", kept.name, current.name].map((name) => element("th", { scope: "col" }, name)))),
    element(
      "tbody",
      {},
      row("Value", ...amounts.map(dollars), "result-total"),
      row("Difference", "", signedDollars(amounts[1] - amounts[0]), "whatif-difference"),
      row(`${percent(valueOf(current.answer).interval.level)} interval`, interval(kept), interval(current)),
      differing(kept.facts, current.facts, schema).map((field) =>
        row(field.title, text(field, kept.facts), text(field, current.facts)),
      ),
    ),
  );
}
