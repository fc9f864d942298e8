// Reads the fields of a house, their groups and the labels of their values from the OpenAPI document.

const OTHER_GROUP = "other";

/** A description of all fields. Made once; the views share it. */
export class Schema {
  constructor(openapi) {
    this.openapi = openapi;
    const schemas = openapi.components.schemas;
    const facts = schemas.HouseFacts;
    const required = new Set(facts.required ?? []);
    const all = Object.entries(facts.properties).map(([key, property]) =>
      fieldOf(key, property, schemas, required.has(key)),
    );
    // The number of a house belongs to no group: it describes nothing.
    const grouped = all.filter((field) => field.group !== null);
    this.fields = grouped.length ? grouped : all.map((field) => ({ ...field, group: OTHER_GROUP }));
    this.groups = groupsOf(schemas.House["x-groups"], this.fields);
    this.examples = { facts: exampleOf(openapi, "estimate"), house: exampleOf(openapi, "value") };
    this.#byKey = new Map(this.fields.map((field) => [field.key, field]));
  }

  #byKey;

  /** Returns the field with a key; undefined if there is none. */
  field(key) {
    return this.#byKey.get(key);
  }

  /** Returns the label of a word in an answer, such as "High" for a grade; the word itself if it has none. */
  labelOf(type, word) {
    return this.openapi.components.schemas[type]?.["x-enum-labels"]?.[word] ?? String(word);
  }
}

/** Returns whether a unit is worth showing: a count and a year have none that says more than their title. */
export function isShown(unit) {
  return Boolean(unit) && !["1", "year", "month of the year"].includes(unit) && !unit.startsWith("grade");
}

/** Loads the OpenAPI document of the service. */
export async function loadSchema(api) {
  // The browser may keep the document, and asks whether it has changed.
  return new Schema(await api.get("openapi.json", { cache: "no-cache" }));
}

function fieldOf(key, property, schemas, isRequired) {
  const parts = (property.anyOf ?? [property]).map((part) => resolved(part, schemas));
  const type = parts.find((part) => part.type !== "null") ?? {};
  return {
    key,
    title: property.title ?? key,
    description: withoutCodes(property.description ?? ""),
    group: property["x-group"] ?? null,
    unit: property["x-unit"] ?? type["x-unit"] ?? null,
    minimum: type.minimum ?? null,
    maximum: type.maximum ?? null,
    nullable: parts.some((part) => part.type === "null"),
    // The meaning of null, such as "No basement". Without it, null is as good as no answer.
    blankLabel: property["x-blank-label"] ?? null,
    kind: type.enum ? "words" : type.type,
    values: valuesOf(type),
    required: isRequired,
  };
}

/** Returns the values of words, and of numbers such as months that have labels, in the order of the labels. */
function valuesOf({ type, enum: words, "x-enum-labels": labels = {} }) {
  const isNumber = type === "integer" || type === "number";
  const values = words ?? Object.keys(labels).map((text) => (isNumber ? Number(text) : text));
  const order = new Map(Object.keys(labels).map((text, index) => [text, index]));
  const places = new Map(values.map((value, index) => [value, order.get(String(value)) ?? order.size + index]));
  return values
    .map((value) => ({ value, label: labels[String(value)] ?? String(value) }))
    .sort((one, other) => places.get(one.value) - places.get(other.value));
}

/** Removes what a description says about codes and null: the page shows labels instead. */
function withoutCodes(description) {
  return description.replaceAll(/ ?\(`[^`]*`\)/g, "").replaceAll(/;[^;]*(\bnull\b|`)[^;.]*/g, "");
}

function resolved(schema, schemas) {
  if (!schema.$ref) return schema;
  const { $ref, ...beside } = schema;
  return { ...resolved(schemas[$ref.split("/").pop()], schemas), ...beside };
}

function groupsOf(titles, fields) {
  const keys = titles ? Object.keys(titles) : [...new Set(fields.map((field) => field.group))];
  return keys.map((key) => ({
    key,
    title: titles?.[key] ?? (key === OTHER_GROUP ? "More facts" : key),
    fields: fields.filter((field) => field.group === key),
  }));
}

function exampleOf(openapi, operationId) {
  for (const path of Object.values(openapi.paths)) {
    for (const operation of Object.values(path)) {
      if (operation.operationId === operationId) {
        const content = operation.requestBody?.content?.["application/json"] ?? {};
        return content.example ?? Object.values(content.examples ?? {})[0]?.value ?? null;
      }
    }
  }
  return null;
}
