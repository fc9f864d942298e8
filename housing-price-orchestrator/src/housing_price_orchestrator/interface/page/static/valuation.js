/* A house that an estimate completed, and the operations that value it. */

const ESTIMATE = "api/v1/valuation/estimate";
const VALUATION = "api/v1/valuation";
const VALUE_ALONE = `${VALUATION}?include=`;

// A valuation needs a number for the house, which a person at a form does not have.
const ANY_ID = 1;

const isEstimate = (answer) => answer.value === undefined;

/** What estimates and valuations have in common: `amount` and `interval`. */
export const valueOf = (answer) => answer.value ?? answer.estimate;

/** The house of an estimate: the facts, and the assumed value of every other feature. */
export function completedHouse(facts, assumed = []) {
  const house = Object.fromEntries(assumed.map(({ field, value }) => [field, value]));
  return { id: ANY_ID, ...house, ...facts };
}

/** Returns the valuation, with comparable sales and explanation, of a house that an estimate completed. */
export const askForComparison = (facts, assumed, { api }, options) =>
  api.post(VALUATION, completedHouse(facts, assumed), options);

/** Returns the value of changed facts, from the operation that gave `answer`, so that the two can be compared. */
export function askLike(answer, facts, { api }, options) {
  return isEstimate(answer)
    ? api.post(ESTIMATE, facts, options)
    : api.post(VALUE_ALONE, completedHouse(facts), options);
}
