// Makes elements. Text is always set as text: the page never turns a string into HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an HTML element.
 *
 * Attributes whose name starts with "on" and whose value is a function are event listeners. `true` sets an empty
 * attribute; `false`, `null` and `undefined` set none. Children are nodes, texts, numbers or arrays of them; `null`,
 * `undefined` and `false` are left out.
 */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Makes an SVG element, as `element` does. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Replaces the children of an element. */
export function replace(parent, ...children) {
  parent.replaceChildren(...nodes(children));
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on") && typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...nodes(children));
  return made;
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}
