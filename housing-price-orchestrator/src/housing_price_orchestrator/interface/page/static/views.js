// Loads the schema, and shows the view that the address names.

import { Api } from "./api.js";
import { element, replace } from "./dom.js";
import { mountKeys } from "./keys.js";
import { brokenView, problemBox } from "./problems.js";
import { loadSchema } from "./schema.js";

/** The views, in the order of the navigation. Each module exports `mount(element, context)`. */
const ROUTES = {
  "#estimate": { title: "Estimate", load: () => import("./estimate.js") },
  "#files": { title: "Files", load: () => import("./files.js") },
  "#operations": { title: "Operations", load: () => import("./operations.js") },
};
const FIRST_ROUTE = "#estimate";

const main = document.getElementById("main");
const navigation = document.getElementById("navigation");
const context = { api: new Api(), schema: null, houseId: 1 + Math.floor(Math.random() * 2 ** 31) };

let shown = null; // The hash of the view that is shown.
let unmount = () => {};

for (const [hash, { title }] of Object.entries(ROUTES)) {
  navigation.append(element("a", { href: hash }, title));
}

async function start() {
  replace(main, element("p", { class: "loading", role: "status" }, "Loading the questions..."));
  try {
    context.schema = await loadSchema(context.api);
    mountKeys(document.getElementById("key"), context);
  } catch (problem) {
    replace(main, problemBox(problem, { onRetry: start }));
    return;
  }
  await show({ isFirst: true });
}

async function show({ isFirst = false } = {}) {
  // Other fragments, such as that of the link to the content, name no view.
  const hash = location.hash in ROUTES ? location.hash : (shown ?? FIRST_ROUTE);
  if (hash === shown) return;
  shown = hash;
  const { title, load } = ROUTES[hash];
  document.title = `${title} - House prices in Ames`;
  for (const link of navigation.children) {
    if (link.getAttribute("href") === hash) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  unmount();
  unmount = () => {};
  const view = element("div", { class: "view" });
  replace(main, view);
  let isLoaded = false;
  try {
    const { mount } = await load();
    isLoaded = true;
    if (shown !== hash) return;
    const leave = await mount(view, context);
    if (shown !== hash) {
      leave();
      return;
    }
    unmount = leave;
  } catch (problem) {
    replace(view, brokenView(title, problem, { isLoaded }));
    throw problem;
  }
  if (!isFirst) main.focus();
}

addEventListener("hashchange", () => context.schema && show());
start();
