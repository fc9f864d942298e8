// The requests below follow this job.
if (pm.response.code === 202) {
  pm.collectionVariables.set("jobId", pm.response.json().id);
}
