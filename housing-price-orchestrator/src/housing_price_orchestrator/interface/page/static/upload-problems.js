// Explains why a file was not accepted.

import { sizeOf } from "./formats.js";
import { explain } from "./problems.js";

/** Returns `{title, text}` for an error of the upload of a file. */
export function uploadProblem(error, file) {
  if (error.name === "NotReadableError" || error.name === "NotFoundError") {
    return { title: `${file.name} cannot be read any more`, text: "It was moved or changed. Choose it again." };
  }
  switch (error.status) {
    case 403:
      return { title: "This key may not price files", text: `${error.detail} Ask the operator for a key with it.` };
    case 404:
      return { title: "This service does not price files", text: error.detail };
    case 408:
      return { title: "The upload took too long", text: "Try again over a faster connection, or split the file." };
    case 413:
      return { title: `${file.name} is too large`, text: `It has ${sizeOf(file.size)}. ${limitOf(error)}` };
    case 415:
      return { title: `${file.name} is not a type that can be priced`, text: error.detail };
    case 422:
      return {
        title: `${file.name} was not accepted`,
        text: error.errors.map(({ msg }) => msg).join(". ") || error.detail,
      };
    case 503:
      return { title: "Files cannot be priced at the moment", text: `${error.detail} Your file is still chosen.` };
    case 507:
      return { title: "There is no space for this file", text: error.detail };
    default:
      return explain(error);
  }
}

/** Rewrites the limit in bytes, which the API names for programs. */
function limitOf(error) {
  const bytes = /\b\d{4,}\b/.exec(error.detail)?.[0];
  return bytes ? `At most ${sizeOf(Number(bytes))} are accepted. Split the file.` : error.detail;
}
