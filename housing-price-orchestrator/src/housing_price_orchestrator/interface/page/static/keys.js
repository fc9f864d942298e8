// The field for an API key, where the service requires one. The key is kept in memory only: a reload forgets it.

import { element, replace } from "./dom.js";
import { explain } from "./problems.js";

/** A cheap request that any valid key may make, unless it only submits jobs. */
const CHECKED_PATH = "api/v1/predictions?limit=1";

/** Returns whether the service has operations that need a key. */
export function requiresKeys(openapi) {
  return Object.values(openapi.paths)
    .flatMap((path) => Object.values(path))
    .map(({ security }) => security ?? openapi.security ?? [])
    .some((alternatives) => alternatives.length > 0 && alternatives.every((one) => Object.keys(one).length > 0));
}

/** Shows the field if the service requires keys. The window gets the event "keychange" after each change. */
export function mountKeys(parent, context) {
  if (!requiresKeys(context.schema.openapi)) return replace(parent);
  const input = element("input", {
    type: "password",
    id: "keys-input",
    class: "keys-input",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "keys-state",
  });
  const state = element(
    "p",
    { id: "keys-state", class: "keys-state", role: "status" },
    "Enter a key to use this page.",
  );
  const use = element("button", { type: "submit", class: "button" }, "Use key");
  const forget = element("button", { type: "button", class: "button", hidden: true }, "Forget key");
  const form = element(
    "form",
    { class: "keys-form" },
    element("label", { for: "keys-input" }, "API key"),
    input,
    use,
    forget,
    state,
  );

  function change(key, text) {
    context.api.key = key;
    forget.hidden = !key;
    input.value = "";
    input.removeAttribute("aria-invalid");
    replace(state, text);
    window.dispatchEvent(new Event("keychange"));
  }

  async function check(key) {
    use.disabled = true;
    replace(state, "Checking the key...");
    const earlier = context.api.key;
    context.api.key = key;
    try {
      await context.api.get(CHECKED_PATH);
      change(key, "Key in use. It is forgotten when you reload the page.");
    } catch (error) {
      // The key is checked before the prediction log is asked, which may be off (404) or unavailable (503).
      if (error.status === 403) change(key, `Key in use. ${error.detail}`);
      else if ([404, 503].includes(error.status)) change(key, "Key in use. It is forgotten when you reload the page.");
      else refuse(error, earlier);
    } finally {
      use.disabled = false;
    }
  }

  function refuse(error, earlier) {
    context.api.key = earlier;
    const { title, text } =
      error.status === 401 ? { title: "This key is not valid", text: error.detail } : explain(error);
    input.setAttribute("aria-invalid", "true");
    replace(state, `${title}. ${text}`);
    input.focus();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (!key) {
      replace(state, "Enter a key first.");
      input.focus();
    } else if (!/^[\x21-\x7e]+$/.test(key)) {
      // A header cannot hold other characters.
      refuse({ status: 401, detail: "Keys have only letters, digits and punctuation of ASCII." }, context.api.key);
    } else {
      check(key);
    }
  });
  forget.addEventListener("click", () => {
    change("", "The key is forgotten.");
    input.focus();
  });
  replace(parent, form);
}
