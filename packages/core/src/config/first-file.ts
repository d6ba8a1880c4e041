import { KEYS, type KeySpec } from "./schema.js";

/** The commented file a user finds after the first run: every key with what it does and its default, none of them set. */
export function firstFileText(): string {
  const parts = [
    "# Settings of the fleet. Every line that sets something is commented out and shows its default:",
    "# take the # away to change it. A project's own settings go into .aifleet/config.toml in its repository.",
  ];
  for (const section of sections()) {
    const specs = KEYS.filter((spec) => sectionOf(spec) === section);
    const isNamed = section.includes("<name>");
    // A table with a placeholder in its name must not become one by itself.
    const header = isNamed ? `# [${section.replace("<name>", section.startsWith("agents") ? "my-agent" : "review")}]` : `[${section}]`;
    parts.push("", header);
    for (const spec of specs) {
      parts.push(`# ${spec.docs}${defaultNote(spec)}`, `# ${spec.key.slice(section.length + 1)} = ${toToml(shown(spec))}`);
      if (!isNamed && spec !== specs.at(-1)) parts.push("");
    }
  }
  return `${parts.join("\n")}\n`;
}

/** Every key as a Markdown table, for the documentation. */
export function configReference(): string {
  const rows = KEYS.map((spec) => {
    const value = spec.defaultText ?? (spec.default === null ? "none" : `\`${toToml(spec.default)}\``);
    const older = spec.aliases === undefined ? "" : ` Older names: ${spec.aliases.map((alias) => `\`${alias}\``).join(", ")}.`;
    return `| \`${spec.key}\` | ${value} | ${`${spec.docs}${older}`.replaceAll("|", "\\|")} |`;
  });
  return ["| key | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

/** A plain value as one line of TOML. */
export function toToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toToml).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const pairs = Object.entries(value).map(([name, item]) => `${/^[A-Za-z0-9_-]+$/.test(name) ? name : quoted(name)} = ${toToml(item)}`);
    return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
  }
  return typeof value === "string" ? quoted(value) : String(value);
}

/** TOML takes what JSON does, less one character. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\x7f", "\\u007f");
}

function sections(): string[] {
  return [...new Set(KEYS.map(sectionOf))];
}

function sectionOf(spec: KeySpec): string {
  const parts = spec.key.split(".");
  return parts.slice(0, parts[1] === "<name>" ? 2 : 1).join(".");
}

function defaultNote(spec: KeySpec): string {
  if (spec.defaultText !== undefined) return ` Default: ${spec.defaultText}.`;
  return spec.default === null ? " Default: none." : "";
}

/** A value to show where the default is none. */
function shown(spec: KeySpec): unknown {
  if (spec.example !== undefined) return spec.example;
  if (spec.default !== null) return spec.default;
  const examples: Partial<Record<KeySpec["type"], unknown>> = {
    count: 10,
    list: ["npm ci"],
    name: "claude",
    revision: "main",
    pattern: "^> ",
  };
  return (
    examples[spec.type] ??
    (spec.key === "tmux.include" ? "~/.tmux.conf" : spec.key === "tmux.socket" ? "$AI_FLEET_HOME/tmux.sock" : "Review the last commit")
  );
}
