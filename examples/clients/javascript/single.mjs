// Prices one house with `fetch` alone.
import { readFile } from "node:fs/promises";
const response = await fetch("http://127.0.0.1:8000/api/v1/price/predict", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: await readFile("examples/request-1461.json", "utf8"),
});
if (!response.ok) throw new Error(await response.text());
console.log((await response.json()).predictedPrice);
