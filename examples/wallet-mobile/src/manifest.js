// A step of the build: writes the documents as the client sends them, with their hashes, for KONAGRAPH_DOCUMENTS.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { formatDocument, stringifyDocument } from "@urql/core";

import * as documents from "./documents.js";

const texts = Object.values(documents).map((document) => stringifyDocument(formatDocument(document)));
const manifest = Object.fromEntries(texts.map((text) => [createHash("sha256").update(text).digest("hex"), text]));
writeFileSync("persisted-documents.json", `${JSON.stringify(manifest, null, 2)}\n`);
