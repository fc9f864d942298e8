const api = process.env.HOUSING_PRICE_API_URL ?? "http://127.0.0.1:8000";
const headers = new Headers({ "Content-Type": "application/json" });
headers.set("Authorization", `Bearer ${process.env.HOUSING_PRICE_API_KEY}`);
const facts = { neighborhood: "NAmes", overallQual: 5, yearBuilt: 1961, grLivArea: 896, garageCars: 1 };
const body = JSON.stringify(facts);
const response = await fetch(`${api}/api/v1/valuation/estimate`, { method: "POST", headers, body });
if (!response.ok) throw new Error(await response.text());
const { estimate } = await response.json();
console.log(estimate.amount, estimate.interval);
