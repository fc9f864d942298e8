// The list of scoring jobs: their progress, their counts, and their files.

import { element, replace } from "./dom.js";
import { count, formatOfType } from "./formats.js";
import { createPoller } from "./poller.js";
import { explain } from "./problems.js";
import { refusedRows } from "./refused.js";
import { save } from "./saving.js";

const PATH = "api/v1/jobs";
const MAX_LISTED = 20;

/** Names of files by the id of their job: the API does not keep them. They are forgotten at a reload. */
const names = new Map();

/** Makes the list. `say` announces a text to screen readers. */
export function createJobs(context, leaving, say) {
  const cards = new Map(); // By the id of the job, newest first.
  const list = element("ul", { class: "files-jobs" });
  const note = element("div");
  const section = element("section", { class: "files-list", "aria-labelledby": "files-list-title" });
  section.append(element("h2", { id: "files-list-title" }, "Your files"), note, list);
  const poller = createPoller(leaving, poll, (error) => {
    const { title, text } = explain(error);
    replace(note, element("p", { class: "hint", role: "status" }, `${title}. ${text}`));
  });

  /** Asks for every unfinished job. Returns whether any is left, and whether anything has changed. */
  async function poll() {
    const unfinished = [...cards.values()].filter((card) => !isFinal(card.job));
    let changed = false;
    for (const card of unfinished) {
      const job = await find(card.job.id);
      if (!job) {
        forget(card);
        continue;
      }
      changed = card.show(job) || changed;
      if (isFinal(job)) say(`${card.name}: ${outcomeOf(job, context.schema)}`);
    }
    if (unfinished.length > 0) replace(note);
    return { isDone: [...cards.values()].every((card) => isFinal(card.job)), changed };
  }

  /** Asks for a job; returns null if it has been deleted. */
  async function find(id) {
    try {
      return await context.api.get(`${PATH}/${id}`, { signal: leaving });
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }

  function forget(card) {
    cards.delete(card.job.id);
    card.item.remove();
  }

  function add(job, name) {
    if (name) names.set(job.id, name);
    const known = cards.get(job.id);
    if (known) return known.show(job);
    const card = createCard(context, leaving, job);
    cards.set(job.id, card);
    list.prepend(card.item);
    replace(note);
    poller.start();
  }

  async function reload() {
    cards.clear();
    replace(list);
    try {
      const page = await context.api.get(`${PATH}?limit=${MAX_LISTED}`, { signal: leaving });
      const scoring = page.jobs.filter((job) => job.type === "scoring" && !cards.has(job.id));
      for (const job of scoring) {
        const card = createCard(context, leaving, job);
        cards.set(job.id, card);
        list.append(card.item);
      }
      replace(note, cards.size === 0 && element("p", { class: "hint" }, "No files yet."));
      poller.start();
    } catch (error) {
      if (leaving.aborted) return;
      const { title, text } = explain(error);
      replace(note, element("p", { class: "hint" }, `${title}. ${text}`));
    }
  }

  return { section, add, reload };
}

function createCard(context, leaving, first) {
  const titleId = `files-job-${first.id}`;
  const item = element("li", { class: "card files-job", "aria-labelledby": titleId });
  const details = element("div", { class: "files-details" });
  const message = element("div", { class: "files-message" });
  const buttons = element("div", { class: "files-actions" });
  const title = element("h3", { id: titleId, class: "files-job-name", tabindex: "-1" });
  const card = {
    item,
    job: null,
    get name() {
      return names.get(first.id) ?? `File of ${new Date(first.createdAt).toLocaleString()}`;
    },
    /** Shows the state of the job; returns whether it differs from the last one. */
    show(job) {
      const changed = JSON.stringify(job) !== JSON.stringify(card.job);
      if (!changed) return false;
      const isNewState = job.state !== card.job?.state;
      card.job = job;
      replace(title, card.name);
      replace(details, progressOf(job, card.name, context.schema));
      // The buttons stay while the state stays, so that one that has the focus keeps it.
      if (isNewState) renewButtons();
      return true;
    },
  };

  function renewButtons() {
    const hadFocus = buttons.contains(document.activeElement);
    replace(buttons, actionsOf(card, run));
    if (hadFocus) (buttons.querySelector("button") ?? title).focus();
  }

  /** Does what a button asks for; shows a problem in the card. */
  async function run(button, action) {
    button.disabled = true;
    replace(message);
    try {
      await action();
    } catch (error) {
      if (leaving.aborted) return;
      const { title: what, text } = explain(error);
      replace(message, element("p", { class: "problem", role: "alert" }, `${what}. ${text}`));
    } finally {
      button.disabled = false;
    }
  }

  function actionsOf(shown, handle) {
    const made = (text, action) => {
      const button = element("button", { type: "button", class: "button" }, text);
      button.addEventListener("click", () => handle(button, action));
      return button;
    };
    const { job } = shown;
    if (!isFinal(job)) return [made("Cancel", cancel)];
    const rows = job.result ?? { rowsPriced: 0, rowsRefused: 0 };
    return [
      job.state === "succeeded" && made("Download prices", () => download("result", "prices")),
      rows.rowsRefused > 0 && made("Show refused rows", showRefused),
      rows.rowsRefused > 0 && made("Download refused rows", () => download("refused", "refused")),
    ];
  }

  async function cancel() {
    const response = await context.api.request("DELETE", `${PATH}/${first.id}`, { signal: leaving });
    card.show(await response.json());
  }

  async function download(part, suffix) {
    // A link could not send the key.
    const options = { headers: { accept: "*/*" }, signal: leaving, timeoutMs: 0 };
    const response = await context.api.request("GET", `${PATH}/${first.id}/${part}`, options);
    const format = formatOfType(response.headers.get("content-type") ?? "");
    const name = (names.get(first.id) ?? `houses-${first.id.slice(0, 8)}`).replace(/\.[^.]*$/, "");
    save(await response.blob(), `${name}-${suffix}.${format?.ending ?? "json"}`);
  }

  async function showRefused() {
    replace(message, await refusedRows(context, `${PATH}/${first.id}/refused`, leaving));
  }

  item.append(title, details, buttons, message);
  card.show(first);
  return card;
}

function progressOf(job, name, schema) {
  const { rowsDone = 0, rowsTotal = 0 } = job.progress ?? {};
  const state = element("p", { class: `files-state files-state-${job.state}` }, outcomeOf(job, schema));
  if (isFinal(job)) return [state, job.error && element("p", {}, job.error.detail)];
  const bar = element("progress", { class: "files-progress", "aria-label": `Progress of ${name}` });
  if (rowsTotal > 0) {
    bar.max = rowsTotal;
    bar.value = rowsDone;
  }
  const rows = rowsTotal > 0 && `${rowsDone.toLocaleString("en-US")} of ${count(rowsTotal, "row")}`;
  return [state, bar, rows && element("p", { class: "hint" }, rows)];
}

function outcomeOf(job, schema) {
  const state = schema.labelOf("JobState", job.state);
  if (!job.result || job.state === "cancelled") return state;
  const { rowsPriced, rowsRefused } = job.result;
  if (job.state === "failed" && rowsRefused === 0) return state;
  const unlisted = job.progress?.rowsUnlisted ?? 0;
  const listed = unlisted > 0 ? ` (${unlisted.toLocaleString("en-US")} of them are not listed)` : "";
  return `${state}: ${count(rowsPriced, "row")} priced, ${rowsRefused.toLocaleString("en-US")} refused${listed}`;
}

function isFinal(job) {
  return ["succeeded", "failed", "cancelled"].includes(job.state);
}
