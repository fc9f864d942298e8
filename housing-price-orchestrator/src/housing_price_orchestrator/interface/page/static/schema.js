/* Reads the fields of a house, their groups and the labels of their values from the OpenAPI document. */

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

  /** Returns the words for a value: its label, or the number with its unit. `null` reads "None". */
  words(key, value) {
    if (value === null || value === undefined) return "None";
    const field = this.field(key);
    const label = field?.values.find((one) => one.value === value)?.label;
    if (label !== undefined) return label;
    if (typeof value !== "number") return String(value);
    // A year has no thousands separator.
    const text = field?.unit === "year" ? String(value) : value.toLocaleString("en-US");
    return field && isShown(field.unit) ? `${text} ${field.unit}` : text;
  }
}

/** Returns whether a unit is worth showing: a count and a year have none that says more than their title. */
export function isShown(unit) {
  return Boolean(unit) && !["1", "year", "month of the year"].includes(unit) && !unit.startsWith("grade");
}

/** Loads the OpenAPI document of the service. */
export async function loadSchema(api) {
  return new Schema(await api.get("openapi.json"));
}

function fieldOf(key, property, schemas, isRequired) {
  const parts = (property.anyOf ?? [property]).map((part) => resolved(part, schemas));
  const type = parts.find((part) => part.type !== "null") ?? {};
  const labels = property["x-enum-labels"] ?? type["x-enum-labels"] ?? {};
  return {
    key,
    title: property.title ?? key,
    description: property.description ?? "",
    group: property["x-group"] ?? null,
    unit: property["x-unit"] ?? type["x-unit"] ?? null,
    minimum: type.minimum ?? null,
    maximum: type.maximum ?? null,
    nullable: parts.some((part) => part.type === "null"),
    kind: type.enum ? "words" : type.type,
    values: (type.enum ?? []).map((value) => ({ value, label: labels[String(value)] ?? String(value) })),
    required: isRequired,
  };
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
