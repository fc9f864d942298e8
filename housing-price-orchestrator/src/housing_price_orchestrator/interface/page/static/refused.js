// The first refused rows of a job, and why they were refused.

import { element } from "./dom.js";
import { count } from "./formats.js";

const MAX_ROWS = 20;
const MAX_BYTES = 64 * 1024;

/** Loads the first refused rows and makes a table of them. */
export async function refusedRows(context, path, signal) {
  const rows = await firstRows(context, path, signal);
  const shown = rows.slice(0, MAX_ROWS);
  const table = element(
    "table",
    { class: "files-refused" },
    element("caption", {}, rows.length > MAX_ROWS ? `The first ${count(MAX_ROWS, "refused row")}` : "Refused rows"),
    element("thead", {}, element("tr", {}, header("Row"), header("Reason"))),
    element(
      "tbody",
      {},
      shown.map((row) =>
        element("tr", {}, element("th", { scope: "row" }, row.row ?? "-"), element("td", {}, reasonsOf(row, context))),
      ),
    ),
  );
  // Focusable, so that the keyboard can scroll it.
  return element("div", { class: "files-scroll", tabindex: "0", role: "region", "aria-label": "Refused rows" }, table);
}

async function firstRows(context, path, signal) {
  const options = { headers: { accept: "*/*", range: `bytes=0-${MAX_BYTES - 1}` }, signal };
  const response = await context.api.request("GET", path, options);
  const text = await response.text();
  // The last line of a part may be incomplete.
  const end = text.endsWith("\n") ? text.length : text.lastIndexOf("\n") + 1;
  return text
    .slice(0, end)
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

function reasonsOf(row, { schema }) {
  const errors = row.errors ?? [];
  if (errors.length === 0) return row.detail ?? row.title;
  return element(
    "ul",
    {},
    errors.map(({ loc, msg }) => {
      const key = loc.filter((part) => part !== "body").join(" ");
      const title = schema.field(key)?.title;
      const name = title && title !== key ? `${title} (${key})` : key;
      return element("li", {}, name ? `${name}: ${msg}` : msg);
    }),
  );
}

function header(text) {
  return element("th", { scope: "col" }, text);
}
