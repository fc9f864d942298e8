import { setTimeout } from "node:timers/promises";

const api = process.env.HOUSING_PRICE_API_URL ?? "http://127.0.0.1:8000";
const headers = new Headers();
headers.set("Authorization", `Bearer ${process.env.HOUSING_PRICE_API_KEY}`);
let job;
do {
  if (job) await setTimeout(1000);
  const response = await fetch(`${api}/api/v1/jobs/${process.env.JOB_ID}`, { headers });
  if (!response.ok) throw new Error(await response.text());
  job = await response.json();
} while (job.finishedAt === null);
console.log(job.state, job.result);
