// Texts for people: amounts, shares, months, and the values of features.

const WHOLE = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });
const EXACT = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const SIGNED = new Intl.NumberFormat("en-US", {
  style: "currency",
  currency: "USD",
  maximumFractionDigits: 0,
  signDisplay: "exceptZero",
});
const FIXED = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const FIXED_PERCENT = new Intl.NumberFormat("en-US", {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const PERCENT = new Intl.NumberFormat("en-US", { style: "percent", maximumFractionDigits: 1 });
const MONTH_AND_YEAR = new Intl.DateTimeFormat("en-US", { month: "short", year: "numeric", timeZone: "UTC" });
const MONTH = new Intl.DateTimeFormat("en-US", { month: "long", timeZone: "UTC" });

/** An amount in whole dollars, such as "$121,500". */
export const dollars = (amount) => WHOLE.format(amount);

/** An amount to the cent, such as "$121,500.25". */
export const exactDollars = (amount) => EXACT.format(amount);

/** A difference in whole dollars with its sign, such as "+$4,150"; "$0" has none. */
export const signedDollars = (amount) => SIGNED.format(amount).replace("-", "−");

export const number = (value) => NUMBER.format(value);

/** A number with two digits after the point, so that a row of them lines up. */
export const fixed = (value) => FIXED.format(value);

export const percent = (share) => PERCENT.format(share);

/** A share in percent with one digit after the point, so that a row of them lines up. */
export const fixedPercent = (share) => FIXED_PERCENT.format(share);

/** Rounds to three digits, so that the words do not claim to be exact: 121,501 becomes 122,000. */
export function roundedAmount(amount) {
  if (amount === 0) return 0;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(amount))) - 2);
  return Math.round(Math.round(amount / step) * step);
}

/** An amount in words, such as "about 122,000 US dollars". */
export const dollarsInWords = (amount) => `about ${NUMBER.format(roundedAmount(amount))} US dollars`;

/** The probability of an interval in words: "9 of 10" for 0.9, otherwise a percentage. */
export function chance(level) {
  const tenths = Math.round(level * 10);
  return Math.abs(level * 10 - tenths) < 1e-9 ? `${tenths} of 10` : percent(level);
}

/** The month of a sale: "Sep 2010" for "2010-09". */
export function monthOfSale(text) {
  const [year, month] = text.split("-").map(Number);
  return MONTH_AND_YEAR.format(Date.UTC(year, month - 1));
}

/** The years to which amounts refer: "2006 to 2010", or "2010". */
export const yearsText = ({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`);

const isYear = (unit) => /^years?$/.test(unit ?? "");
const isMonth = (unit) => /^month\b/.test(unit ?? "");

/** The value of a feature, without its unit: the label of a word, and of null, such as "No basement". */
export function featureValue(field, value) {
  if (value === null || value === undefined) return field?.blankLabel ?? "not known";
  const labelled = field?.values?.find((one) => one.value === value);
  if (labelled) return labelled.label;
  if (typeof value !== "number") return String(value);
  if (isYear(field?.unit)) return String(value);
  if (isMonth(field?.unit)) return MONTH.format(Date.UTC(2000, value - 1));
  if (field?.unit === "USD") return dollars(value);
  return number(value);
}

/** The unit to show beside a number; empty for counts, grades, years, months, dollars and words. */
export function unitOf(field) {
  const unit = field?.unit ?? "";
  const isSelfEvident = unit === "1" || unit === "USD" || unit.startsWith("grade") || isYear(unit) || isMonth(unit);
  return isSelfEvident || field?.values?.length ? "" : unit;
}

/** The value of a feature with its unit, such as "896 square feet". */
export function featureText(field, value) {
  const unit = value === null || value === undefined ? "" : unitOf(field);
  return `${featureValue(field, value)}${unit && ` ${unit}`}`;
}

/** The title of a feature; its key if the document does not describe it. */
export const titleOf = (field, key) => field?.title ?? key;

/** Names in a sentence: "size, age and lot". */
export function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
