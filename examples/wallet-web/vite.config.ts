import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The page and the gateway share one origin, so there is no CORS. Elsewhere, set KONAGRAPH_ALLOWED_ORIGINS.
const proxy = { "/graphql": { target: process.env["KONAGRAPH_URL"] ?? "http://127.0.0.1:8000" } };

export default defineConfig({
  plugins: [react()],
  server: { host: "127.0.0.1", proxy },
  preview: { host: "127.0.0.1", proxy },
});
