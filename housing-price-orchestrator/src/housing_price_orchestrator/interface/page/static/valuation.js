// A house that an estimate completed, and the operations that value it.

const ESTIMATE = "api/v1/valuation/estimate";
const VALUATION = "api/v1/valuation";
const VALUE_ALONE = `${VALUATION}?include=`;

const isEstimate = (answer) => answer.value === undefined;

/** What estimates and valuations have in common: `amount` and `interval`. */
export const valueOf = (answer) => answer.value ?? answer.estimate;

/** The features of a house that an estimate completed: the facts, and the assumed value of every other feature. */
export const completedHouse = (facts, assumed) => ({
  ...Object.fromEntries(assumed.map(({ field, value }) => [field, value])),
  ...facts,
});

/** Returns the valuation, with comparable sales and explanation, of a house that an estimate completed. */
export const askForComparison = (facts, assumed, { api, houseId }, options) =>
  api.post(VALUATION, { id: houseId, ...completedHouse(facts, assumed) }, options);

/** Returns the value of changed facts, from the operation that gave `answer`, so that the two can be compared. */
export function askLike(answer, facts, { api, houseId }, options) {
  return isEstimate(answer)
    ? api.post(ESTIMATE, facts, options)
    : api.post(VALUE_ALONE, { id: houseId, ...facts }, options);
}
