import { readFile } from "node:fs/promises";

const api = process.env.HOUSING_PRICE_API_URL ?? "http://127.0.0.1:8000";
const headers = new Headers({ "Content-Type": "application/json" });
headers.set("Authorization", `Bearer ${process.env.HOUSING_PRICE_API_KEY}`);
const house = JSON.parse(await readFile("house.json", "utf8"));
const body = JSON.stringify({ data: [{ ...house, id: 1 }, { ...house, id: 2 }] });
const response = await fetch(`${api}/api/v1/price/predict/batch`, { method: "POST", headers, body });
if (!response.ok) throw new Error(await response.text());
const { predictions } = await response.json();
for (const priced of predictions) console.log(priced.id, priced.predictedPrice);
