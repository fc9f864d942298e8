// Configuration of @hey-api/openapi-ts. An option `--output` would replace the whole `output` below.
export default {
  input: process.env.CLIENT_DOCUMENT,
  // Node resolves only imports with an extension.
  output: { path: process.env.CLIENT_OUTPUT, module: { extension: ".js" } },
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
};
