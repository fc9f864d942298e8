// Handles each kind of answer: a price, findings about the request, any other problem, and no answer.
import { readFile } from "node:fs/promises";
import { predict, type House } from "housing-price-client";
import { client } from "housing-price-client/client";

client.setConfig({ baseUrl: "http://127.0.0.1:8000" });
const house = JSON.parse(await readFile("examples/request-1461.json", "utf8")) as House;
const { data, error } = await predict({ body: { ...house, lotArea: -1 } });
if (data) console.log(data.predictedPrice);
else if ("title" in error) console.log(error.status, error.title, error.detail);
else if ("detail" in error) for (const finding of error.detail) console.log(finding.loc, finding.msg);
else throw error;
