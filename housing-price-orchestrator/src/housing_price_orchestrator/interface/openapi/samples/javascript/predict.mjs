import { readFile } from "node:fs/promises";

const api = process.env.HOUSING_PRICE_API_URL ?? "http://127.0.0.1:8000";
const headers = new Headers({ "Content-Type": "application/json" });
headers.set("Authorization", `Bearer ${process.env.HOUSING_PRICE_API_KEY}`);
const body = await readFile("house.json");
const response = await fetch(`${api}/api/v1/price/predict`, { method: "POST", headers, body });
if (!response.ok) throw new Error(await response.text());
const priced = await response.json();
console.log(priced.predictedPrice, priced.priceInterval);
