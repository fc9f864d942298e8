// The formats of files of houses, and sizes in words.

/** The formats that a scoring job reads, as docs/jobs.md lists them. The result has the format of the file. */
export const FORMATS = [
  { title: "CSV", ending: "csv", endings: [".csv", ".tsv"], mediaType: "text/csv" },
  { title: "NDJSON", ending: "ndjson", endings: [".ndjson", ".jsonl"], mediaType: "application/x-ndjson" },
  {
    title: "Parquet",
    ending: "parquet",
    endings: [".parquet", ".pq"],
    mediaType: "application/vnd.apache.parquet",
  },
];

/** Returns the format of a file by its name; undefined if its ending is not known. */
export function formatOf(name) {
  const lower = name.toLowerCase();
  return FORMATS.find(({ endings }) => endings.some((ending) => lower.endsWith(ending)));
}

/** Returns the format of a response by its content type; undefined for others. */
export function formatOfType(contentType) {
  const mediaType = contentType.split(";")[0].trim();
  return FORMATS.find((format) => format.mediaType === mediaType);
}

const UNITS = ["bytes", "kB", "MB", "GB"];

/** Returns a size in words, such as "1.2 MB". */
export function sizeOf(bytes) {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const amount = bytes / 1000 ** step;
  return `${amount.toLocaleString("en-US", { maximumFractionDigits: amount < 10 && step > 0 ? 1 : 0 })} ${UNITS[step]}`;
}

/** Returns a number with its noun, such as "1 row" or "2,500 rows". */
export function count(number, noun) {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}
