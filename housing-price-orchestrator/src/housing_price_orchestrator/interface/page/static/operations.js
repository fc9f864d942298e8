// The view "Operations": what is in service, for operators. Each part loads and fails alone.

import { element, replace } from "./dom.js";
import { driftPart, jobsPart, readinessPart, toolsPart, versionsPart } from "./operations-parts.js";
import { createPoller } from "./poller.js";
import { explain } from "./problems.js";

/** Title, and the function that loads the content of each part. */
const PARTS = [
  ["Readiness", readinessPart],
  ["Versions in service", versionsPart],
  ["Jobs", jobsPart],
  ["Drift", driftPart],
  ["Tools", toolsPart],
];

/** Shows the view. Returns a function that stops its requests. */
export async function mount(parent, context) {
  const leaving = new AbortController();
  const parts = PARTS.map(([title, load]) => createPart(title, load, context, leaving.signal));
  const renew = () => Promise.all(parts.map((part) => part.renew()));
  const poller = createPoller(leaving.signal, async () => {
    await renew();
    return { isDone: false, changed: false };
  });
  const refresh = element("button", { type: "button", class: "button" }, "Refresh");
  refresh.addEventListener("click", renew);
  replace(
    parent,
    element("h1", {}, "Operations"),
    element(
      "p",
      { class: "lead" },
      "The state of this service, as the worker process that answers knows it. It is renewed while you watch.",
    ),
    refresh,
    element(
      "div",
      { class: "operations-parts" },
      parts.map(({ section }) => section),
    ),
  );
  window.addEventListener("keychange", renew, { signal: leaving.signal });
  renew();
  poller.start();
  return () => leaving.abort();
}

function createPart(title, load, context, leaving) {
  const id = `operations-${title.toLowerCase().replaceAll(" ", "-")}`;
  const content = element("div", {}, element("p", { class: "hint" }, "Loading..."));
  const section = element(
    "section",
    { class: "card operations-part", "aria-labelledby": id },
    element("h2", { id }, title),
    content,
  );
  let shown = "";

  /** Shows what has changed. A part in use keeps its content, so that the focus is not lost. */
  function show(key, make) {
    if (key === shown || (shown && content.contains(document.activeElement))) return;
    shown = key;
    replace(content, make());
  }

  async function renew() {
    try {
      const { facts, make } = await load(context, leaving);
      show(JSON.stringify(facts), make);
    } catch (error) {
      if (leaving.aborted) return;
      const { title: what, text } = explain(error);
      show(`${what} ${text}`, () => element("p", { class: "operations-refused" }, `${what}. ${text}`));
    }
  }

  return { section, renew };
}
