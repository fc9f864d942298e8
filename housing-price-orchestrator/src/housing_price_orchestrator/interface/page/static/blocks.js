// Building blocks of the result: sections, sentences and tables.

import { element } from "./dom.js";

export const paragraph = (text, kind = "result-text") => element("p", { class: kind }, text);

export const section = (title, ...content) =>
  element("section", { class: "result-section" }, element("h2", {}, title), ...content);

/** A table whose first column names the rows. */
export function table(head, rows, kind = "result-figures") {
  return element(
    "table",
    { class: kind },
    element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...rows.map(tableRow)),
  );
}

const tableRow = ([name, ...cells]) =>
  element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((text) => element("td", {}, text)));

/** Content that opens on request; on paper it is always open. */
export const folded = (summary, ...content) =>
  element("details", { class: "result-details" }, element("summary", {}, summary), ...content);

/** A picture with a table of its figures below it, for readers who prefer one. */
export const figure = (picture, head, rows) =>
  element("div", { class: "result-figure" }, picture, folded("The figures as a table", table(head, rows)));
