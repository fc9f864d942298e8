// The first part of a result: the value in words and figures, its uncertainty, and what to know about it.

import { figure, paragraph, section } from "./blocks.js";
import { intervalPicture } from "./charts.js";
import { element } from "./dom.js";
import {
  chance,
  dollars,
  dollarsInWords,
  exactDollars,
  featureText,
  listed,
  percent,
  roundedAmount,
  titleOf,
  yearsText,
} from "./format.js";
import { valueOf } from "./valuation.js";

const MEANING_OF_GRADE = {
  high: "At least 9 of 10 values with this grade were within 10 % of the price paid, for sales that the models had not seen.",
  medium: "At least 3 of 4 values with this grade were within 10 % of the price paid, for sales that the models had not seen.",
  low: "Few sales are similar enough; fewer than 3 of 4 such values can be expected within 10 % of the price.",
};

const MEANING_OF_METHOD = {
  price: "The value holds with its interval, but no comparable sales confirm it.",
  priceAndComparables: "The value combines the predicted price with the adjusted prices of comparable sales.",
};

/** The basis of a value in words: its label, and what it means. */
export const methodInWords = (method, schema) =>
  labelled("Basis", schema.labelOf("ValueMethod", method), MEANING_OF_METHOD[method]);

/** The grade of a value in words: its label, and what it means. */
export const confidenceInWords = (grade, schema) =>
  labelled("Confidence", schema.labelOf("Confidence", grade), MEANING_OF_GRADE[grade]);

const labelled = (name, label, meaning) => `${name}: ${label[0].toLowerCase()}${label.slice(1)}.${meaning ? ` ${meaning}` : ""}`;

/** The interval in words: "In 9 of 10 cases, the sale price is between about $97,000 and $146,000." */
export function intervalInWords({ low, high, level }) {
  return `In ${chance(level)} cases, the sale price is between about ${dollars(roundedAmount(low))} and ${dollars(roundedAmount(high))}.`;
}

/** The years to which the amounts refer, in words. */
export function yearsInWords(years) {
  if (!years) return "The model does not say to which years its dollars refer.";
  return `All amounts are US dollars of the years ${yearsText(years)}: the models know sales of these years only, not today's prices.`;
}

function uncertainty({ amount, interval }) {
  const { low, high, level } = interval;
  const name = `the ${percent(level)} interval`;
  const picture = intervalPicture(
    { low, amount, high },
    {
      title: `The value and ${name}`,
      description: `The value is ${dollars(amount)}; ${name} goes from ${dollars(low)} to ${dollars(high)}.`,
    },
  );
  const rows = [
    ["Lower end", exactDollars(low)],
    ["Value", exactDollars(amount)],
    ["Upper end", exactDollars(high)],
  ];
  return figure(picture, ["Amount", "US dollars"], rows);
}

/** Says that a price was not computed for this request; nothing if it was. */
export function sourceInWords({ price }) {
  if (price?.degraded) return "The price model cannot answer at the moment: this is the last known price of the house.";
  if (price?.cached) return "This price was computed a moment ago, for the same house.";
  return "";
}

/** A warning in words: the feature, its value and the values that the model has seen. */
export function warningInWords({ field: key, value, range, words }, schema) {
  const field = schema.field(key);
  const seen = range
    ? `${featureText(field, range.low)} to ${featureText(field, range.high)}`
    : listed((words ?? []).map((word) => featureText(field, word)));
  return `${titleOf(field, key)}: ${featureText(field, value)} is outside what the model has seen (${seen}), so the value is less certain than its interval says.`;
}

export function warningsBlock(warnings, schema) {
  if (!warnings?.length) return [];
  const items = warnings.map((warning) => element("li", {}, warningInWords(warning, schema)));
  return [element("div", { class: "result-warnings" }, element("h3", {}, "Warnings"), element("ul", {}, ...items))];
}

/** Returns the section with the value of an estimate or a valuation. */
export function headline(answer, schema) {
  const value = valueOf(answer);
  const { amount, interval, method, confidence } = value;
  const made = section(
    "Value",
    element("p", { class: "result-amount" }, dollarsInWords(amount)),
    paragraph(`Exactly ${exactDollars(amount)}. ${intervalInWords(interval)}`),
    uncertainty(value),
    paragraph(yearsInWords(answer.dollarYears)),
    ...[sourceInWords(answer)].filter(Boolean).map((text) => paragraph(text)),
    ...(method ? [paragraph(methodInWords(method, schema))] : []),
    ...(confidence ? [paragraph(confidenceInWords(confidence, schema))] : []),
    ...warningsBlock(answer.warnings, schema),
  );
  made.classList.add("card");
  return made;
}
