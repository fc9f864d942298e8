import { readFile } from "node:fs/promises";

const api = process.env.HOUSING_PRICE_API_URL ?? "http://127.0.0.1:8000";
const headers = new Headers({ "Content-Type": "application/json" });
headers.set("Authorization", `Bearer ${process.env.HOUSING_PRICE_API_KEY}`);
const body = await readFile("house.json");
const path = "/api/v1/valuation?include=comparables,explanation";
const response = await fetch(`${api}${path}`, { method: "POST", headers, body });
if (!response.ok) throw new Error(await response.text());
const valuation = await response.json();
console.log(valuation.value, valuation.problems);
