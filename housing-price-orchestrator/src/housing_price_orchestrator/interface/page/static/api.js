// Calls the API of the service that serves this page.

/** The address of the service: works behind any path prefix, because this module is at `<service>/page/api.js`. */
export const ROOT = new URL("../", import.meta.url);

const TIMEOUT_MS = 60_000;

/** An error response, or no response at all (`status` 0). */
export class ApiProblem extends Error {
  constructor({ status = 0, title, detail = "", errors = [], retryAfter = null, requestId = null }) {
    super(title);
    this.name = "ApiProblem";
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.errors = errors; // The findings of a 422: {loc, msg, type, ...}.
    this.retryAfter = retryAfter; // In seconds; null if the response does not say.
    this.requestId = requestId;
  }
}

export class Api {
  /** The key of the caller. It is kept here and nowhere else, so a reload forgets it. */
  key = "";

  get(path, options = {}) {
    return this.#json("GET", path, undefined, options);
  }

  /** Posts a JSON document, or a `Blob` with the content type that `headers` names. */
  post(path, body, options = {}) {
    return this.#json("POST", path, body, options);
  }

  /** Sends a request and returns its `Response`; throws `ApiProblem` unless it succeeded. */
  async request(method, path, { body, headers = {}, signal, timeoutMs = TIMEOUT_MS, cache = "no-store" } = {}) {
    const isDocument = body !== undefined && !(body instanceof Blob);
    const signals = [signal, timeoutMs ? AbortSignal.timeout(timeoutMs) : null].filter(Boolean);
    const init = {
      method,
      cache,
      signal: AbortSignal.any(signals),
      headers: { accept: "application/json", ...(isDocument && { "content-type": "application/json" }), ...headers },
      body: isDocument ? JSON.stringify(body) : body,
    };
    if (this.key) init.headers["x-api-key"] = this.key;
    let response;
    try {
      response = await fetch(new URL(path.replace(/^\//, ""), ROOT), init);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw unreachable(error);
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  async #json(method, path, body, options) {
    const response = await this.request(method, path, { ...options, body });
    try {
      return await response.json();
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw unreachable(error);
    }
  }
}

function unreachable(error) {
  if (error.name === "TimeoutError") {
    return new ApiProblem({ title: "No answer in time", detail: "The service took too long to answer." });
  }
  return new ApiProblem({
    title: "The service cannot be reached",
    detail: "Check your connection. The service may also be stopped.",
  });
}

async function problemOf(response) {
  let document = {};
  try {
    document = (await response.json()) ?? {};
  } catch {
    // A proxy in between may answer with HTML.
  }
  const findings = Array.isArray(document.detail) ? document.detail : (document.errors ?? []);
  const seconds = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  return new ApiProblem({
    status: response.status,
    title: document.title ?? (findings.length ? "Some answers are not valid" : `Error ${response.status}`),
    detail: typeof document.detail === "string" ? document.detail : "",
    errors: findings,
    retryAfter: Number.isFinite(seconds) ? seconds : null,
    requestId: document.requestId ?? response.headers.get("x-request-id"),
  });
}
