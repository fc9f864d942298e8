// "Get a logged prediction" looks this price up.
if (pm.response.code === 200) {
  pm.collectionVariables.set("transactionId", pm.response.json().transactionId);
}
