// Polls the API at growing intervals while nothing changes. Pauses while the page is hidden, and stops at the end.

const FIRST_MS = 700;
const MAX_MS = 10_000;
const SLOWER = 1.5;

/**
 * Makes a poller. `ask` returns `{isDone, changed}`, or throws an `ApiProblem`. After an error it waits as long as the
 * API says,
 * and calls `onError`.
 */
export function createPoller(leaving, ask, onError = () => {}) {
  let timer = null;
  let wait = FIRST_MS;
  let isAsking = false;

  async function turn() {
    timer = null;
    if (document.hidden || leaving.aborted || isAsking) return;
    isAsking = true;
    let isDone = false;
    try {
      const answer = await ask();
      isDone = answer.isDone;
      wait = answer.changed ? FIRST_MS : Math.min(MAX_MS, wait * SLOWER);
    } catch (error) {
      if (leaving.aborted) return;
      onError(error);
      wait = error.retryAfter ? error.retryAfter * 1000 : MAX_MS;
      // Asking again cannot help: no such job, or a key that may not see it.
      isDone = [401, 403].includes(error.status);
    } finally {
      isAsking = false;
    }
    if (!isDone) schedule(wait);
  }

  function schedule(milliseconds) {
    if (leaving.aborted) return;
    clearTimeout(timer);
    timer = setTimeout(turn, milliseconds);
  }

  function start() {
    wait = FIRST_MS;
    schedule(wait);
  }

  document.addEventListener("visibilitychange", () => document.hidden || start(), { signal: leaving });
  leaving.addEventListener("abort", () => clearTimeout(timer));
  return { start };
}
