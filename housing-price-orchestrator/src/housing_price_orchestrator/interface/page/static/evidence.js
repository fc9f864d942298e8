// The evidence for a value: comparable sales, and what makes the difference from a typical house.

import { figure, paragraph, section, table } from "./blocks.js";
import { barPicture, intervalPicture } from "./charts.js";
import { comparisonGrid } from "./comparison.js";
import { element } from "./dom.js";
import { dollars, exactDollars, listed, percent, signedDollars } from "./format.js";

/** A failed part in words: its name, the reason, and when to ask again. */
export function problemInWords({ part, title, status, retryAfter }, schema) {
  const wait = retryAfter ? ` Try again in ${retryAfter} ${retryAfter === 1 ? "second" : "seconds"}.` : "";
  return `${schema.labelOf("ValuationPart", part)}: not available. ${title} (status ${status}).${wait}`;
}

/** The parts of a valuation that hold although others failed, as a sentence. */
export function stillHolds({ value, comparables, explanation }) {
  const parts = [value.method === "price" ? "the value, from the predicted price alone, with its interval" : "the value with its interval"];
  if (comparables) parts.push("the sold houses and their adjusted prices");
  if (explanation) parts.push("the difference from a typical house");
  return `These parts hold: ${listed(parts)}.`;
}

/** Returns the parts of a valuation that failed, and the parts that hold; nothing if none failed. */
export function problemsBlock(answer, schema) {
  if (!answer.problems?.length) return [];
  const items = answer.problems.map((problem) => element("li", {}, problemInWords(problem, schema)));
  return [
    element(
      "div",
      { class: "result-problems", role: "status" },
      element("h3", {}, "Some parts failed"),
      element("ul", {}, ...items),
      paragraph(stillHolds(answer)),
    ),
  ];
}

function valueFromSales({ price, comparables, value }) {
  const { low, high, level } = value.interval;
  const rows = [
    ["Predicted price", exactDollars(price.predictedPrice)],
    ["Weighted mean of the adjusted prices", exactDollars(comparables.estimate)],
    ["Value from both", exactDollars(value.amount)],
  ];
  const points = comparables.sales.map(({ adjustedPrice }) => adjustedPrice);
  const range = `the ${percent(level)} interval`;
  const picture = intervalPicture(
    { low, amount: value.amount, high, points },
    {
      title: `The value, ${range}, and the adjusted prices of the sold houses`,
      description:
        `The value is ${dollars(value.amount)}; ${range} goes from ${dollars(low)} to ${dollars(high)}. ` +
        `The adjusted prices of the sold houses are ${points.map(dollars).join(", ")}.`,
    },
  );
  const sales = comparables.sales.map(({ id, adjustedPrice }) => [`Sale ${id}, adjusted`, exactDollars(adjustedPrice)]);
  return figure(picture, ["Amount", "US dollars"], [...rows, ...sales]);
}

/** Returns the section with the sold houses of a valuation; nothing if it has none. */
export function comparablesSection(valuation, house, schema, assumed) {
  if (!valuation.comparables) return [];
  return [
    section(
      "Comparable sales",
      valueFromSales(valuation),
      paragraph("Each dot is the price of a sold house, adjusted to what it would have been if the house were like yours."),
      comparisonGrid(house, valuation.comparables.sales, schema, assumed),
    ),
  ];
}

/** Returns the section that leads from a typical house to the predicted price; nothing if it is missing. */
export function explanationSection({ explanation, price }, schema) {
  if (!explanation) return [];
  const titles = new Map(schema.groups.map(({ key, title }) => [key, title]));
  const { typicalPrice, differences } = explanation;
  const bars = differences
    .map(({ group, usd }) => ({ label: titles.get(group) ?? group, usd }))
    .sort((one, other) => Math.abs(other.usd) - Math.abs(one.usd));
  const picture = barPicture(bars, {
    title: "Differences from a typical house, by group of features",
    description: bars.map(({ label, usd }) => `${label} ${signedDollars(usd)}`).join(", "),
  });
  const rows = [
    ["A typical house", exactDollars(typicalPrice)],
    ...bars.map(({ label, usd }) => [label, signedDollars(usd)]),
    ["Your house (predicted price)", exactDollars(price.predictedPrice)],
  ];
  return [
    section(
      "What makes the difference",
      paragraph(
        `A typical house of the survey has a predicted price of ${dollars(typicalPrice)}, yours ${dollars(price.predictedPrice)}. ` +
          "Each bar is what a group of features adds or takes away.",
      ),
      figure(picture, ["Amount", "US dollars"], rows),
    ),
  ];
}
