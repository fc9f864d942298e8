// Requests the value of a house from the API.

/**
 * Returns the answer for the facts of a form.
 *
 * `/valuation` takes a missing feature for one that the house does not have. So it is asked when all questions are
 * answered. Otherwise `/valuation/estimate` completes the house from similar sales. An estimate has `estimate` and
 * `assumed`, a valuation has `value`.
 *
 * A valuation needs a number for the house. `context.houseId` stays the same while the page is open: a canary splits houses
 * by their numbers, and one model version should answer all variants of a house.
 */
export function ask(context, facts, options = {}) {
  const isComplete = context.schema.fields.every((field) => field.key in facts || isBlank(field));
  return isComplete
    ? context.api.post("api/v1/valuation", { id: context.houseId, ...facts }, options)
    : context.api.post("api/v1/valuation/estimate", facts, options);
}

/** Returns whether a missing value says nothing: null has no meaning that a person could choose. */
function isBlank(field) {
  return field.nullable && field.blankLabel === null;
}
