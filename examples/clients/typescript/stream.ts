// Prices a stream of houses, and reads each price as it arrives.
import { readFile } from "node:fs/promises";
import { predictStream } from "housing-price-client";
import { client } from "housing-price-client/client";

client.setConfig({ baseUrl: "http://127.0.0.1:8000" });
const house = JSON.parse(await readFile("examples/request-1461.json", "utf8"));
const lines = [1, 2, 3].map((id) => `${JSON.stringify({ ...house, id })}\n`);
const { error, response } = await predictStream({ body: new Blob(lines), parseAs: "stream" });
if (!response?.ok || !response.body) throw error;
for await (const part of response.body) process.stdout.write(part);
