// Prices a CSV file in the background.
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { getJob, getJobResult, submitScoringCsv } from "housing-price-client";
import { client } from "housing-price-client/client";

client.setConfig({ baseUrl: "http://127.0.0.1:8000" });
const body = new Blob([await readFile("examples/houses.csv")]);
const headers = { "Idempotency-Key": crypto.randomUUID() };
let { data: job } = await submitScoringCsv({ body, headers, throwOnError: true });
while (job.state === "queued" || job.state === "running") {
  await setTimeout(500);
  ({ data: job } = await getJob({ path: { id: job.id }, throwOnError: true }));
}
if (job.state !== "succeeded") throw job.error;
const { data: result } = await getJobResult({ path: { id: job.id }, parseAs: "blob", throwOnError: true });
console.log(await result.text());
