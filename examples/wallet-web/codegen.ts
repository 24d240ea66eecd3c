import { addTypenameSelectionDocumentTransform } from "@graphql-codegen/client-preset";
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  // In a project of your own, the file from `konagraph export-schema`.
  schema: "../../schema/schema.graphql",
  documents: "src/**/*.{ts,tsx}",
  generates: {
    "src/gql/": {
      preset: "client",
      // Apollo Client's cache needs __typename, so the stored documents must ask for it.
      documentTransforms: [addTypenameSelectionDocumentTransform],
      // Writes src/gql/persisted-documents.json, the manifest for KONAGRAPH_DOCUMENTS.
      presetConfig: { persistedDocuments: true, fragmentMasking: false },
      config: {
        enumsAsTypes: true,
        strictScalars: true,
        useTypeImports: true,
        scalars: { CardNumber: "string", Won: "number", Date: "string", DateTime: "string" },
      },
    },
  },
};

export default config;
