import { openAsBlob } from "node:fs";

const api = process.env.HOUSING_PRICE_API_URL ?? "http://127.0.0.1:8000";
// A repeated request with the same key returns the same job.
const headers = new Headers({ "Content-Type": "text/csv", "Idempotency-Key": crypto.randomUUID() });
headers.set("Authorization", `Bearer ${process.env.HOUSING_PRICE_API_KEY}`);
const body = await openAsBlob("houses.csv");
const response = await fetch(`${api}/api/v1/jobs/scoring/csv`, { method: "POST", headers, body });
if (!response.ok) throw new Error(await response.text());
const job = await response.json();
console.log(job.id);
