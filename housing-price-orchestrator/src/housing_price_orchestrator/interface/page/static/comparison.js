// The comparison grid: sold houses side by side with the valued house, and the price of each difference.

import { element } from "./dom.js";
import { dollars, featureValue, fixed, fixedPercent, listed, monthOfSale, signedDollars, titleOf, unitOf } from "./format.js";

let grids = 0;

/**
 * The groups of the grid in display order: each with the amount for each sale and the features that differ in any sale.
 *
 * A feature has `own`, the value of the asked house, and `others`, the value of each sale or null where it is equal.
 * Groups without a difference are named in `equal`.
 */
export function gridGroups(house, sales, schema) {
  const groups = schema.groups.map((group) => ({
    ...group,
    amounts: sales.map((sale) => amountOf(sale, group.key)),
    features: schema.fields
      .filter((field) => field.group === group.key)
      .map((field) => comparedFeature(field, house, sales))
      .filter(({ others }) => others.some((other) => other !== null)),
  }));
  const differs = ({ amounts, features }) => features.length > 0 || amounts.some((usd) => usd);
  return { groups: groups.filter(differs), equal: groups.filter((group) => !differs(group)) };
}

function amountOf(sale, group) {
  if (sale.adjustments === null) return null;
  return sale.adjustments.find((one) => one.group === group)?.usd ?? 0;
}

function comparedFeature(field, house, sales) {
  const own = house[field.key] ?? null;
  const others = sales.map((sale) => {
    const value = sale.house[field.key] ?? null;
    return value === own ? null : { text: featureValue(field, value) };
  });
  return { field, own: featureValue(field, own), others };
}

const header = (scope, ...content) => element("th", { scope }, ...content);
const cell = (kind, ...content) => element("td", { class: kind }, ...content);

function fact(title, own, sales, text, kind = "") {
  return element("tr", { class: kind }, header("row", title), cell("", own), ...sales.map((sale) => cell("", text(sale))));
}

function featureRow({ field, own, others }, assumed) {
  const unit = unitOf(field);
  return element(
    "tr",
    { class: "result-feature" },
    header("row", titleOf(field, field.key), ...(unit ? [element("span", { class: "result-unit" }, ` (${unit})`)] : [])),
    cell("", own, ...(assumed.has(field.key) ? [element("span", { class: "result-assumed" }, " assumed")] : [])),
    ...others.map((other) => (other ? cell("", other.text) : cell("result-same", "same"))),
  );
}

function groupRows(group, assumed) {
  const amounts = group.amounts.map((usd) => cell("", usd === null ? "unknown" : signedDollars(usd)));
  const title = element("tr", { class: "result-group" }, header("row", group.title), cell(""), ...amounts);
  return element("tbody", {}, title, ...group.features.map((feature) => featureRow(feature, assumed)));
}

/**
 * Returns the grid of a valuation as an element.
 *
 * @param house The asked house with all its features.
 * @param sales The sold houses of the valuation, closest first.
 * @param assumed The keys of features whose values were assumed.
 */
export function comparisonGrid(house, sales, schema, assumed = new Set()) {
  const { groups, equal } = gridGroups(house, sales, schema);
  grids += 1;
  const id = `result-grid-${grids}`;
  const table = element(
    "table",
    { class: "result-grid" },
    element("caption", { id }, "Your house and the sold houses most like it"),
    element(
      "thead",
      {},
      element("tr", {}, header("col", "Feature"), header("col", "Your house"), ...sales.map((sale) => header("col", `Sale ${sale.id}`))),
    ),
    element(
      "tbody",
      {},
      fact("Sale price", "", sales, (sale) => dollars(sale.salePrice), "result-total"),
      fact("Sold in", "", sales, (sale) => monthOfSale(sale.soldIn)),
      fact("Distance", "", sales, (sale) => fixed(sale.distance)),
    ),
    ...groups.map((group) => groupRows(group, assumed)),
    element(
      "tbody",
      {},
      fact("Adjusted price", "", sales, (sale) => dollars(sale.adjustedPrice), "result-total"),
      fact("Weight in the mean", "", sales, (sale) => fixedPercent(sale.weight)),
    ),
  );
  const same = equal.length ? ` All are equal in: ${listed(equal.map(({ title }) => title))}.` : "";
  return element(
    "div",
    { class: "result-comparison" },
    element(
      "p",
      {},
      "Read a column from top to bottom: the price that was paid, what each group of features adds or takes away to make " +
        "the sold house like yours, and the adjusted price. A distance of 0 means equal in the features that matter most. " +
        `The weight is the share of a sale in the weighted mean of the adjusted prices: closer sales weigh more.${same}`,
    ),
    featuresSwitch(table),
    element("div", { class: "result-scroll", role: "region", tabindex: "0", "aria-labelledby": id }, table),
  );
}

function featuresSwitch(table) {
  const box = element("input", { type: "checkbox" });
  box.checked = true;
  box.addEventListener("change", () => table.classList.toggle("result-short", !box.checked));
  return element("label", { class: "result-switch" }, box, " Show the features that differ");
}
