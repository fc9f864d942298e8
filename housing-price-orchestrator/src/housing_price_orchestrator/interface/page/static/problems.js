// Shows errors of the API in plain words.

import { element } from "./dom.js";

/** Returns `{title, text}` for an `ApiProblem`, or for any other error. */
export function explain(problem) {
  switch (problem.status) {
    case undefined:
      return { title: "Something went wrong in this page", text: "Reload the page and try again." };
    case 0:
      return { title: problem.title, text: problem.detail };
    case 401:
      return { title: "A key is needed", text: "Enter a valid API key at the top of the page, then try again." };
    case 403:
      return { title: "This key is not allowed to do this", text: problem.detail };
    case 429:
      return { title: "Too many requests", text: "The limit of requests is reached for the moment." };
    case 502:
    case 504:
    case 503:
      return { title: "The service cannot answer at the moment", text: `${problem.title}. ${problem.detail}` };
    default:
      return { title: problem.title, text: problem.detail };
  }
}

/** Makes a box that explains a problem. With `onRetry` it has a button, which waits as long as the API asks. */
export function problemBox(problem, { onRetry } = {}) {
  const { title, text } = explain(problem);
  const box = element(
    "div",
    { class: "problem", role: "alert", tabindex: "-1" },
    element("h2", { class: "problem-title" }, title),
    text && element("p", {}, text),
    problem.requestId && element("p", { class: "problem-id" }, "Request ", element("code", {}, problem.requestId)),
  );
  if (onRetry) box.append(retryButton(problem.retryAfter ?? 0, onRetry));
  return box;
}

/**
 * Makes a box that explains that a view cannot be used: its module was not loaded, or it could not be shown.
 *
 * Not every browser fetches a module again that has failed, so the remedy is to reload the page.
 */
export function brokenView(title, error, { isLoaded }) {
  const [what, why] = isLoaded
    ? ["shown", "An error in this page stopped it. If it happens again, report it to the operator of this service."]
    : ["loaded", "The connection may be interrupted, or the service may have been stopped or updated."];
  return element(
    "div",
    { class: "problem", role: "alert" },
    element("h1", { class: "problem-title" }, `The view "${title}" could not be ${what}`),
    element("p", {}, `${why} Other views may still work. Reload the page to try again; it then forgets answers and keys.`),
    element("p", { class: "problem-id" }, element("code", {}, String(error))),
    element("button", { type: "button", class: "button", onclick: () => location.reload() }, "Reload the page"),
  );
}

function retryButton(seconds, onRetry) {
  const button = element("button", { type: "button", class: "button", onclick: onRetry });
  const count = (left) => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
    // Stops when the box has been removed.
    if (left > 0) setTimeout(() => button.isConnected && count(left - 1), 1000);
  };
  count(seconds);
  return button;
}
