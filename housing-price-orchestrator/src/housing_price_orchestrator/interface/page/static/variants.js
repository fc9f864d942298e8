// Variants of a house: its facts with some changes, beside another variant.

/** Returns facts with changes; a change to undefined makes a feature unknown. */
export function changed(facts, changes) {
  const all = { ...facts, ...changes };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** The fields in which two variants differ, in display order. */
export const differing = (one, other, schema) => schema.fields.filter(({ key }) => one[key] !== other[key]);

/** The fields to offer first: the answered ones, at most `most`, those that are needed for an estimate before others. */
export function offered(facts, schema, most) {
  const answered = schema.fields.filter(({ key }) => facts[key] !== undefined);
  const needed = answered.filter(({ required }) => required);
  const others = answered.filter(({ required }) => !required);
  return [...needed, ...(answered.length <= most ? others : [])];
}
