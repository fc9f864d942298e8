// Waits as long as the API asks for (`Retry-After`) when it limits requests or is busy; sends an API key.
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { predict, type House } from "housing-price-client";
import { client } from "housing-price-client/client";

const patientFetch: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(request.clone());
    if (![429, 503].includes(response.status) || attempt === 5) return response;
    await setTimeout(1000 * Number(response.headers.get("Retry-After") ?? 1));
  }
};
client.setConfig({ baseUrl: "http://127.0.0.1:8000", auth: "YOUR_KEY", fetch: patientFetch });
const body = JSON.parse(await readFile("examples/request-1461.json", "utf8")) as House;
for (const id of [1, 2]) {
  const { data, error } = await predict({ body: { ...body, id } });
  if (!data) throw error;
  console.log(id, data.predictedPrice);
}
