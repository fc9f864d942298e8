// Prices several houses in one request; the prices have the order of the houses.
import { readFile } from "node:fs/promises";
import { predictBatch, type House } from "housing-price-client";
import { client } from "housing-price-client/client";

client.setConfig({ baseUrl: "http://127.0.0.1:8000" });
const house = JSON.parse(await readFile("examples/request-1461.json", "utf8")) as House;
const { data, error } = await predictBatch({ body: { data: [house, house] } });
if (!data) throw error;
for (const priced of data.predictions) console.log(priced.id, priced.predictedPrice);
