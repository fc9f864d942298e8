import { writeFile } from "node:fs/promises";

const api = process.env.HOUSING_PRICE_API_URL ?? "http://127.0.0.1:8000";
const headers = new Headers();
headers.set("Authorization", `Bearer ${process.env.HOUSING_PRICE_API_KEY}`);
const response = await fetch(`${api}/api/v1/jobs/${process.env.JOB_ID}/result`, { headers });
if (!response.ok) throw new Error(await response.text());
await writeFile("prices.csv", response.body);
