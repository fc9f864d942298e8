// Requests of which only the newest answer counts.

/**
 * Runs tasks of which a newer one replaces every older one.
 *
 * `run(task)` aborts the signal of the running task and starts `task(signal)`. It resolves to `{value}`, or to null if a
 * newer task was started meanwhile. An older answer therefore never arrives, even if its request ignores the signal.
 */
export function createLatest() {
  let sequence = 0;
  let controller = null;

  function cancel() {
    sequence += 1;
    controller?.abort();
    controller = null;
  }

  async function run(task) {
    cancel();
    const own = sequence;
    controller = new AbortController();
    try {
      const value = await task(controller.signal);
      return own === sequence ? { value } : null;
    } catch (error) {
      if (own === sequence) throw error;
      return null;
    }
  }

  return { run, cancel };
}

/** Returns a function that calls `action` once its own calls have paused for `milliseconds`; `cancel()` drops a waiting call. */
export function debounce(action, milliseconds) {
  let timer = null;
  const delayed = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), milliseconds);
  };
  delayed.cancel = () => clearTimeout(timer);
  return delayed;
}
