/** The path of an import, taken from the folder of the file that imports; pure, so the same on every system. */
export function resolvePath(importer: string, imported: string): string {
  const from = importer.replaceAll("\\", "/");
  const path = imported.replaceAll("\\", "/");
  const isAbsolute = path.startsWith("/") || /^[A-Za-z]:\//.test(path);
  const folder = from.includes("/") ? from.slice(0, from.lastIndexOf("/") + 1) : "";
  const parts: string[] = [];
  for (const part of (isAbsolute ? path : folder + path).split("/")) {
    const last = parts[parts.length - 1];
    if (part === "." || (part === "" && parts.length > 0)) continue;
    // The root has no parent, and above a relative start the dots have to stay.
    if (part === ".." && last !== undefined && last !== "..") {
      if (last !== "") parts.pop();
    } else parts.push(part);
  }
  return parts.join("/");
}
