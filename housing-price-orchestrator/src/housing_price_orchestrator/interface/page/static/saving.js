// Saves files on the caller's machine: results of jobs, and a sample file.

/** Offers a blob as a download. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has the content by then, or a reference of its own.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Makes a file with every column and one house: the example of the OpenAPI document. */
export function sampleFile(schema, ending) {
  const example = schema.examples.house ?? {};
  const columns = new Set([...Object.keys(example), ...schema.fields.map(({ key }) => key)]);
  const house = Object.fromEntries([...columns].map((key) => [key, example[key] ?? null]));
  if (ending === "ndjson") return new Blob([`${JSON.stringify(house)}\n`], { type: "application/x-ndjson" });
  const lines = [Object.keys(house), Object.values(house)].map((cells) => cells.map(csvCell).join(","));
  return new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" });
}

function csvCell(value) {
  const text = value === null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
