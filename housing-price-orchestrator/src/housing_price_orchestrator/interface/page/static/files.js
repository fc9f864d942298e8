// The view "Files": prices a file as a job, and shows the jobs of the caller.

import { element, replace } from "./dom.js";
import { FORMATS, formatOf, sizeOf } from "./formats.js";
import { createJobs } from "./jobs.js";
import { sampleFile, save } from "./saving.js";
import { uploadProblem } from "./upload-problems.js";

const SCORING_PATH = "api/v1/jobs/scoring";
const ACCEPTED = FORMATS.flatMap(({ endings }) => endings).join(",");

/** Shows the view. Returns a function that stops everything it has started. */
export async function mount(parent, context) {
  const leaving = new AbortController();
  const spoken = element("p", { class: "visually-hidden", role: "status" });
  const jobs = createJobs(context, leaving.signal, (text) => replace(spoken, text));
  const chooser = createChooser(context, leaving.signal, (job, name) => jobs.add(job, name));
  replace(
    parent,
    element("h1", {}, "Price a file of houses"),
    element(
      "p",
      { class: "lead" },
      "Each row is a house. Rows that are not valid are refused, with their reasons; all other rows are priced. ",
      "Columns have the names of the API or those of the Ames survey.",
    ),
    chooser,
    samples(context),
    jobs.section,
    spoken,
  );
  window.addEventListener("keychange", () => jobs.reload(), { signal: leaving.signal });
  jobs.reload();
  return () => leaving.abort();
}

/** Makes the form that uploads a file: chosen, or dropped anywhere on the page. */
function createChooser(context, leaving, onSubmitted) {
  let chosen = null; // {file, format, key}: `key` makes a repeated upload return the same job.
  let sending = null;
  const input = element("input", { type: "file", id: "files-input", class: "files-input", accept: ACCEPTED });
  const message = element("div", { class: "files-message" });
  const submit = element("button", { type: "submit", class: "button is-primary", disabled: true }, "Price this file");
  const stop = element("button", { type: "button", class: "button", hidden: true }, "Stop the upload");
  const form = element(
    "form",
    { class: "card files-drop" },
    element("label", { for: "files-input" }, "A CSV, NDJSON or Parquet file"),
    input,
    element("p", { class: "hint" }, "Or drop a file anywhere on this page."),
    message,
    element("div", { class: "files-actions" }, submit, stop),
  );

  function choose(files) {
    chosen = null;
    submit.disabled = true;
    if (files.length === 0) return replace(message);
    if (files.length > 1) return complain("Choose one file at a time", "Each file becomes a job of its own.");
    const [file] = files;
    const format = formatOf(file.name);
    if (!format) {
      return complain(
        `${file.name} is not a type that can be priced`,
        "Save the houses as .csv, .ndjson (one JSON document per line) or .parquet.",
      );
    }
    if (file.size === 0) return complain(`${file.name} is empty`, "Choose a file with at least one house.");
    chosen = { file, format, key: newKey() };
    submit.disabled = false;
    replace(message, element("p", { role: "status" }, `${file.name}: ${format.title}, ${sizeOf(file.size)}`));
  }

  function complain(title, text) {
    replace(message, problem({ title, text }));
  }

  async function send() {
    const { file, format, key } = chosen;
    sending = new AbortController();
    setSending(true);
    replace(
      message,
      element("p", { role: "status" }, `Uploading ${file.name} (${sizeOf(file.size)})...`),
      element("progress", { class: "files-progress", "aria-label": `Upload of ${file.name}` }),
    );
    try {
      await readable(file);
      const job = await context.api.post(SCORING_PATH, file, {
        headers: { "content-type": format.mediaType, "idempotency-key": key },
        signal: AbortSignal.any([sending.signal, leaving]),
        timeoutMs: 0, // The service limits the time of an upload.
      });
      onSubmitted(job, file.name);
      input.value = "";
      chosen = null;
      replace(message);
    } catch (error) {
      if (sending.signal.aborted) replace(message, element("p", { role: "status" }, "The upload was stopped."));
      else if (!leaving.aborted) replace(message, problem(uploadProblem(error, file)));
    } finally {
      setSending(false);
    }
  }

  function setSending(isSending) {
    input.disabled = isSending;
    submit.disabled = isSending || chosen === null;
    stop.hidden = !isSending;
    form.setAttribute("aria-busy", isSending);
    if (!isSending) sending = null;
  }

  input.addEventListener("change", () => choose([...input.files]));
  stop.addEventListener("click", () => sending?.abort());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (chosen && !sending) send();
  });
  acceptDrops(form, leaving, (files) => {
    if (sending) return;
    input.value = "";
    choose(files);
    submit.focus();
  });
  return form;
}

/** Handles files that are dropped anywhere: without this the browser would open them instead of the page. */
function acceptDrops(form, leaving, onDrop) {
  const isFile = (event) => event.dataTransfer?.types.includes("Files");
  const listen = (name, handle) =>
    window.addEventListener(
      name,
      (event) => {
        if (!isFile(event)) return;
        event.preventDefault();
        handle(event);
      },
      { signal: leaving },
    );
  listen("dragover", () => form.classList.add("files-drop-over"));
  listen("dragleave", (event) => event.relatedTarget || form.classList.remove("files-drop-over"));
  listen("drop", (event) => {
    form.classList.remove("files-drop-over");
    onDrop([...event.dataTransfer.files]);
  });
}

function samples(context) {
  const buttons = ["csv", "ndjson"].map((ending) =>
    element(
      "button",
      {
        type: "button",
        class: "button",
        onclick: () => save(sampleFile(context.schema, ending), `sample-houses.${ending}`),
      },
      `Sample file (${ending.toUpperCase()})`,
    ),
  );
  return element(
    "section",
    { class: "files-samples", "aria-label": "Sample files" },
    element("p", {}, "To start from: a file with every column and one house of the survey."),
    element("div", { class: "files-actions" }, buttons),
  );
}

function problem({ title, text }) {
  return element(
    "div",
    { class: "problem", role: "alert" },
    element("h2", { class: "problem-title" }, title),
    text && element("p", {}, text),
  );
}

/** Throws `NotReadableError` if the file was moved or changed since it was chosen. */
async function readable(file) {
  await file.slice(0, 1).arrayBuffer();
}

/** Makes a key that no other request has. `crypto.randomUUID` exists only over HTTPS and on this machine. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
