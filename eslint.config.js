import eslint from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist/", "dist-*/", "out/", "coverage/", "tests/fixtures/", "tests/conformance/cases/"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true, allowArray: true },
      ],
      // Index loops over typed arrays are how the reference interpreter and the tests read best.
      "@typescript-eslint/prefer-for-of": "off",
      // An absent environment variable and an empty one mean the same; strings are where || is right.
      "@typescript-eslint/prefer-nullish-coalescing": ["error", { ignorePrimitives: { string: true } }],
      // noPropertyAccessFromIndexSignature is off, and process.env["NAME"] reads as what it is.
      "@typescript-eslint/dot-notation": "off",
      "@typescript-eslint/consistent-type-definitions": "off",
      // Definitions are plain objects of functions that use no `this`.
      "@typescript-eslint/unbound-method": "off",
      "@typescript-eslint/non-nullable-type-assertion-style": "off",
      eqeqeq: "error",
      "no-console": "off",
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "Named exports only." },
        { selector: "TSEnumDeclaration", message: "Use a union of string literals." },
      ],
    },
  },
  {
    // Jest calls the default export of a global setup.
    files: ["tests/support/globalSetup.ts"],
    rules: { "no-restricted-syntax": "off" },
  },
  {
    // Node runs these as they are.
    files: ["**/*.mjs", "**/*.js"],
    languageOptions: {
      globals: Object.fromEntries(
        [
          "process",
          "console",
          "Buffer",
          "URL",
          "setTimeout",
          "clearTimeout",
          "performance",
          "fetch",
          "TextDecoder",
          "GPUBufferUsage",
          "GPUMapMode",
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
  {
    // Pages and their workers.
    files: ["docs/examples/**/*.js"],
    languageOptions: {
      globals: Object.fromEntries(
        [
          "document",
          "location",
          "Worker",
          "URLSearchParams",
          "OffscreenCanvas",
          "createImageBitmap",
          "postMessage",
          "addEventListener",
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
);
