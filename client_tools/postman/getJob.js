// Asks again until the job ends: up to 240 times, twice a second.
const asked = Number(pm.collectionVariables.get("asked") ?? 0) + 1;
const isRunning = pm.response.code === 200 && ["queued", "running"].includes(pm.response.json().state);
if (isRunning && asked < 240) {
  pm.collectionVariables.set("asked", asked);
  pm.execution.setNextRequest(pm.info.requestId);
  setTimeout(() => {}, 500);
} else {
  pm.collectionVariables.unset("asked");
}
