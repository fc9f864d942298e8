import { openAsBlob } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";

const api = process.env.HOUSING_PRICE_API_URL ?? "http://127.0.0.1:8000";
const headers = new Headers({ "Content-Type": "application/x-ndjson" });
headers.set("Authorization", `Bearer ${process.env.HOUSING_PRICE_API_KEY}`);
const body = (await openAsBlob("houses.ndjson")).stream();
const request = { method: "POST", headers, body, duplex: "half" };
const response = await fetch(`${api}/api/v1/price/predict/stream`, request);
if (!response.ok) throw new Error(await response.text());
for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
  const result = JSON.parse(line);
  console.log(result.id, result.predictedPrice ?? result.error);
}
