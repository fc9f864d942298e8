// The features that an estimate had to assume, and the answers that would help most.

import { folded, paragraph, section, table } from "./blocks.js";
import { featureText, listed, titleOf } from "./format.js";

const MAX_GUESSES = 5;
const GUESS_BELOW = 0.75;

/** "17 of 20" similar sold houses. */
export const agreementText = (agreement, sales) => `${Math.round(agreement * sales)} of ${sales}`;

/** The assumptions on which the fewest sold houses agree, least first. */
export function guesses(assumed) {
  const uncertain = assumed.filter(({ agreement }) => agreement < GUESS_BELOW);
  return uncertain.sort((one, other) => one.agreement - other.agreement).slice(0, MAX_GUESSES);
}

/** Returns the section about the assumed features of an estimate; none if everything is known. */
export function assumptionsSection({ assumed, sales }, schema) {
  if (!assumed?.length) return [];
  const name = (key) => titleOf(schema.field(key), key);
  const asked = guesses(assumed).map(({ field }) => name(field));
  const help = asked.length
    ? [paragraph(`These answers would make the estimate more certain, because similar houses differ in them: ${listed(asked)}.`)]
    : [];
  const rows = assumed.map(({ field, value, agreement }) => [
    name(field),
    featureText(schema.field(field), value),
    agreementText(agreement, sales.length),
  ]);
  return [
    section(
      "Assumptions",
      paragraph(
        `${assumed.length} features were not answered. They are assumed from the ${sales.length} sold houses most like yours, as far as it is known.`,
      ),
      ...help,
      folded(`All ${assumed.length} assumed features`, table(["Feature", "Assumed", "Sold houses that agree"], rows)),
    ),
  ];
}
