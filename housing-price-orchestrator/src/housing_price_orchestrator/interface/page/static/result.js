/* The result of an estimate or a valuation. */

import { element, replace } from "./dom.js";

/** Shows an answer of `/valuation/estimate` or `/valuation`. */
export async function showResult(parent, answer) {
  const { amount, interval } = answer.estimate ?? answer.value;
  const dollars = (value) => value.toLocaleString("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });
  replace(
    parent,
    element("h2", {}, `About ${dollars(amount)}`),
    interval && element("p", {}, `Most likely between ${dollars(interval.low)} and ${dollars(interval.high)}.`),
  );
}
