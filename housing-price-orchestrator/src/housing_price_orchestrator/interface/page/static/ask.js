/* Asks the API what a house is worth. */

/**
 * Returns the answer for the facts of a form.
 *
 * `/valuation` needs every feature, so it is asked when all are answered; otherwise `/valuation/estimate` completes the
 * house from similar sales. A valuation needs a number for the house: `context.houseId`, which is random and stays the same
 * while the page is open, so that one model version answers all variants of a house. The two answers differ: an estimate has `estimate` and `assumed`, a valuation has `value`.
 */
export function ask(context, facts, options = {}) {
  const isComplete = context.schema.fields.every((field) => facts[field.key] !== undefined);
  return isComplete
    ? context.api.post("api/v1/valuation", { id: context.houseId, ...facts }, options)
    : context.api.post("api/v1/valuation/estimate", facts, options);
}
