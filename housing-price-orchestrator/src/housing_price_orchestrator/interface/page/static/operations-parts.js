// The parts of the operations view. Each function loads facts and returns how to show them.

import { ROOT } from "./api.js";
import { element } from "./dom.js";
import { count } from "./formats.js";

const MODELS_PATH = "api/v1/models";
const JOBS_PATH = "api/v1/jobs";
const MAX_JOBS = 200;
const SHOWN_JOBS = 10;

/** Whether houses can be priced, and which models answer. */
export async function readinessPart({ api, schema }, signal) {
  const facts = await api.get("readyz", { signal });
  const nameOfKind = (kind) => lowerFirst(schema.labelOf("ModelKind", kind));
  const make = () => [
    element("p", { class: "operations-good" }, `Ready. Houses are priced by ${nameOf(facts.model)}.`),
    facts.optional.map((one) =>
      element(
        "p",
        { class: one.isAnswering ? "operations-good" : "operations-bad" },
        one.isAnswering
          ? `The ${nameOfKind(one.name)} answers: ${nameOf(one.model)}.`
          : `The ${nameOfKind(one.name)} does not answer. ${one.reason ?? ""}`,
      ),
    ),
  ];
  return { facts, make };
}

/** The versions of both models, with their statistics. */
export async function versionsPart({ api }, signal) {
  const facts = await api.get(MODELS_PATH, { signal });
  const roles = [
    ["Champion", facts.champion],
    ["Canary", facts.canary],
    ["Shadow", facts.shadow],
  ].filter(([, version]) => version);
  const rows = roles.map(([role, { version, registryPage, weight, seen }]) => [
    role,
    link(registryPage, version),
    role === "Shadow" ? "copies only" : percent(weight),
    seen.requests.toLocaleString("en-US"),
    seen.errors.toLocaleString("en-US"),
    milliseconds(seen.p50Seconds),
    milliseconds(seen.p99Seconds),
  ]);
  const { comparables, stopped } = facts;
  const make = () => [
    table(
      "Versions of the price model",
      ["Role", "Version", "Share", "Requests", "Errors", "p50, ms", "p99, ms"],
      rows,
    ),
    facts.canary === null && element("p", { class: "hint" }, "No canary is running."),
    stopped &&
      element(
        "p",
        { class: "operations-bad" },
        `The canary of version ${stopped.version} was stopped: ${stopped.reason}.`,
      ),
    facts.isFileUsable === false &&
      element("p", { class: "operations-bad" }, "The routes file cannot be used; the last valid routes apply."),
    element("p", {}, comparablesText(comparables)),
  ];
  return { facts, make };
}

/** How many jobs wait and run, and the newest ones. */
export async function jobsPart({ api, schema }, signal) {
  const { jobs, nextOffset } = await api.get(`${JOBS_PATH}?limit=${MAX_JOBS}`, { signal });
  const counts = new Map();
  for (const { state } of jobs) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = ["queued", "running", "succeeded", "failed", "cancelled"];
  const labelOf = (state) => schema.labelOf("JobState", state);
  const rows = jobs
    .slice(0, SHOWN_JOBS)
    .map(({ type, state, createdAt, error }) => [
      schema.labelOf("JobKind", type),
      labelOf(state),
      time(createdAt),
      error?.code ?? "",
    ]);
  const make = () => [
    element(
      "p",
      {},
      states.map((state) => `${labelOf(state)}: ${counts.get(state) ?? 0}`).join(", "),
      nextOffset === null ? "." : `, among the newest ${jobs.length}.`,
    ),
    rows.length > 0 && table("The newest jobs", ["Type", "State", "Submitted", "Error"], rows),
  ];
  return { facts: jobs, make };
}

/** The result of the latest drift check. */
export async function driftPart({ api, schema }, signal) {
  const facts = await api.get(`${MODELS_PATH}/drift`, { signal });
  const { state, check } = facts;
  if (!check) {
    const isBad = state === "unreadable";
    const text = `${schema.labelOf("DriftStatus", state)}.${isBad ? " The log of the service says why." : ""}`;
    return { facts, make: () => element("p", { class: isBad && "operations-bad" }, text) };
  }
  const verdicts = check.models.map(({ name, version, verdict, rows, alarms }) => [
    element(
      "p",
      { class: verdict === "alarm" ? "operations-bad" : "operations-good" },
      `${name} ${version}: ${lowerFirst(schema.labelOf("DriftVerdict", verdict))}, ${count(rows, "row")}.`,
    ),
    alarms.length > 0 &&
      table(
        `Differences of ${name} ${version}`,
        ["Tests", "Subject", "Difference"],
        alarms.map((one) => [one.family, one.subject, one.says]),
      ),
  ]);
  const make = () => [
    element("p", {}, `Checked at ${time(check.checkedAt)}.`),
    verdicts,
    check.models.length === 0 && element("p", {}, "No predictions were logged in the checked time."),
    check.unchecked.map(({ modelId, reason }) =>
      element("p", { class: "operations-bad" }, `Model ${modelId} was not checked: ${reason}.`),
    ),
  ];
  return { facts, make };
}

/** Links to the documents of the API and to the tools of operators. */
export async function toolsPart({ api, schema }, signal) {
  const own = [
    ["Swagger UI: try the API", "docs"],
    ["ReDoc: reference", "redoc"],
    ["OpenAPI document", "openapi.json"],
    schema.openapi.paths["/metrics"] && ["Metrics", "metrics"],
  ].filter(Boolean);
  const { tools } = await api.get(MODELS_PATH, { signal }).catch((error) => {
    // These links need the scope of operators; the others need none.
    if (error.status === 401 || error.status === 403) return { tools: null };
    throw error;
  });
  const others = [
    ["MLflow", tools?.mlflow],
    ["Grafana", tools?.grafana],
  ].filter(([, address]) => address);
  const make = () => [
    element(
      "ul",
      {},
      own.map(([text, path]) => element("li", {}, element("a", { href: new URL(path, ROOT).href }, text))),
      others.map(([text, address]) => element("li", {}, link(address, text))),
    ),
    tools === null &&
      element(
        "p",
        { class: "operations-refused" },
        "Links to MLflow and Grafana are shown to keys with the scope admin.",
      ),
  ];
  return { facts: { others, isKnown: tools !== null }, make };
}

function comparablesText(comparables) {
  if (!comparables) return "No comparables model is configured: valuations have the price alone.";
  const version = comparables.version ? `version ${comparables.version}` : "no version known yet";
  return `Comparables model: ${version}, ${comparables.isAnswering ? "answers" : "does not answer"}.`;
}

/** Makes a link to an address that the API names; only text if it is no web address. */
function link(address, text) {
  const isWeb = address && URL.canParse(address) && ["http:", "https:"].includes(new URL(address).protocol);
  return isWeb ? element("a", { href: address, rel: "noreferrer" }, text) : text;
}

function table(caption, columns, rows) {
  const head = element(
    "tr",
    {},
    columns.map((column) => element("th", { scope: "col" }, column)),
  );
  const body = rows.map(([first, ...cells]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, first),
      cells.map((cell) => element("td", {}, cell)),
    ),
  );
  const made = element(
    "table",
    { class: "operations-table" },
    element("caption", {}, caption),
    element("thead", {}, head),
    element("tbody", {}, body),
  );
  return element("div", { class: "files-scroll", tabindex: "0", role: "region", "aria-label": caption }, made);
}

const lowerFirst = (text) => text[0].toLowerCase() + text.slice(1);

function nameOf(model) {
  return model ? `${model.name} ${model.version}` : "a model that has not answered yet";
}

function percent(share) {
  return share.toLocaleString("en-US", { style: "percent", maximumFractionDigits: 1 });
}

function milliseconds(seconds) {
  return seconds === null ? "-" : (seconds * 1000).toLocaleString("en-US", { maximumSignificantDigits: 3 });
}

function time(text) {
  return new Date(text).toLocaleString("en-US", { dateStyle: "medium", timeStyle: "short" });
}
