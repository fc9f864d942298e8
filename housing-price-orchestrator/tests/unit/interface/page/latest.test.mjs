import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { createLatest, debounce } from "./static/latest.js";

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

test("an older answer that arrives later is dropped, even if its request ignores the signal", async () => {
  const { run } = createLatest();
  const [older, newer] = [deferred(), deferred()];
  const first = run(() => older.promise);
  const second = run(() => newer.promise);
  newer.resolve("new");
  older.resolve("old");
  assert.deepEqual(await second, { value: "new" });
  assert.equal(await first, null);
});

test("an older answer that arrives earlier is dropped as well", async () => {
  const { run } = createLatest();
  const [older, newer] = [deferred(), deferred()];
  const first = run(() => older.promise);
  const second = run(() => newer.promise);
  older.resolve("old");
  assert.equal(await first, null);
  newer.resolve("new");
  assert.deepEqual(await second, { value: "new" });
});

test("a newer request aborts the older one, whose failure is not reported", async () => {
  const { run } = createLatest();
  let aborted = null;
  const first = run((signal) => {
    aborted = signal;
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  assert.equal(aborted.aborted, false);
  const second = run(() => Promise.resolve(1));
  assert.equal(aborted.aborted, true);
  assert.equal(await first, null);
  assert.deepEqual(await second, { value: 1 });
});

test("the failure of the newest request is reported, also if it throws at once", async () => {
  const { run } = createLatest();
  await assert.rejects(run(() => Promise.reject(new Error("failed"))), /failed/);
  await assert.rejects(run(() => { throw new Error("at once"); }), /at once/);
});

test("nothing arrives after cancel", async () => {
  const { run, cancel } = createLatest();
  const one = deferred();
  const running = run(() => one.promise);
  cancel();
  one.resolve("late");
  assert.equal(await running, null);
});

test("debounce calls once, after a pause, with the last values", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const calls = [];
  const soon = debounce((value) => calls.push(value), 300);
  soon("a");
  mock.timers.tick(299);
  soon("b");
  mock.timers.tick(299);
  assert.deepEqual(calls, []);
  mock.timers.tick(1);
  assert.deepEqual(calls, ["b"]);
  soon("c");
  soon.cancel();
  mock.timers.tick(1000);
  assert.deepEqual(calls, ["b"]);
  mock.timers.reset();
});
