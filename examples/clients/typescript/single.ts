// Prices one house.
import { readFile } from "node:fs/promises";
import { predict, type House } from "housing-price-client";
import { client } from "housing-price-client/client";

client.setConfig({ baseUrl: "http://127.0.0.1:8000" });
const body = JSON.parse(await readFile("examples/request-1461.json", "utf8")) as House;
const { data, error } = await predict({ body });
if (!data) throw error;
console.log(data.predictedPrice, data.priceInterval.low, data.priceInterval.high);
