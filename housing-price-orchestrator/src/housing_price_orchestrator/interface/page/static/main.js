// Starts the page. This module imports no other one before it can explain that one cannot be loaded.

const TITLE = "The page could not be loaded";
const REMEDY = "The connection may be interrupted, or the service may have been stopped or updated. Reload the page.";

try {
  await import("./views.js");
} catch (error) {
  explain(error);
  throw error;
}

function explain(error) {
  const box = made("div", "", { class: "problem", role: "alert" });
  const button = made("button", "Reload the page", { class: "button", type: "button" });
  button.addEventListener("click", () => location.reload());
  const cause = made("p", "", { class: "problem-id" });
  cause.append(made("code", String(error)));
  box.append(made("h1", TITLE, { class: "problem-title" }), made("p", REMEDY), cause, button);
  document.getElementById("main").replaceChildren(box);
}

function made(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
