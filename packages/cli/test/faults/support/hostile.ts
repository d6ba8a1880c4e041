// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are texts for a shell
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../../../../core/test/support/world.js";

/**
 * Texts that mean something to a shell, to tmux, git, a terminal, a file system, a parser or a language.
 * `canary` is a program on the PATH of every world of these tests: where any of it runs, that is seen.
 */
export const HOSTILE: readonly string[] = [
  ...new Set([
    // Shells
    ...["$(canary)", "`canary`", ";canary", ";canary;", "&&canary", "||canary", "|canary|", "&canary&", "\ncanary\n", "\r\ncanary\r\n"],
    ...["$(canary", "${x:-$(canary)}", "$((`canary`))", "'$(canary)'", "'; canary; '", '"; canary; "', '"$(canary)"', "'\"'\"'; canary #"],
    ...[
      "\\'; canary #",
      '\\";canary;\\"',
      "$'\\n'canary",
      "<(canary)",
      ">(canary)",
      "{canary,}",
      "!canary",
      "!!",
      "^a^canary",
      "%0acanary",
    ],
    ...[
      "() { :;}; canary",
      "a\\",
      "a\\\ncanary",
      "#",
      "# canary",
      "canary #",
      "$IFS",
      "${IFS}canary",
      "$PATH",
      "${HOME}",
      "eval canary",
      "exec canary",
    ],
    ...[
      "a;canary",
      "a&&canary",
      "a|canary",
      "a$(canary)b",
      "a`canary`b",
      "a'b",
      'a"b',
      "a'$(canary)'b",
      "$",
      "$$",
      "$0",
      "$@",
      "a>canaries/x",
    ],
    // tmux
    ...[
      "#(canary)",
      "a#(canary)",
      "a#(canary${IFS}x)",
      "##(canary)",
      "###(canary)",
      "#{pane_id}",
      "#{session_name}",
      "#[fg=red]",
      "##",
      "a#",
    ],
    ...[
      "#{?1,#(canary),}",
      "#{E:#(canary)}",
      "#{T:#(canary)}",
      "#{l:#(canary)}",
      "#{s/a/b/:x}",
      "#{=5:x}",
      "#,",
      "#}",
      "#{",
      "#{{",
      "a;",
      "a\\;",
      ";",
    ],
    ...["; run-shell canary", "; run-shell canary ;", '" ; run-shell canary ; "', "' ; run-shell canary ; '", "} ; run-shell canary ; {"],
    ...[
      "{run-shell canary}",
      "%if 1\nrun-shell canary\n%endif",
      "%1",
      "$1",
      "@1",
      "=x:",
      ":.",
      "a:b.c",
      "-t",
      "C-c",
      "Enter",
      "\nrun-shell canary\n",
    ],
    // git
    ...[
      "--upload-pack=canary",
      "--exec=canary",
      "--receive-pack=canary",
      "-c",
      "-ccore.pager=canary",
      "--output=canaries/x",
      "-O",
      "--",
      "-",
      "--help",
    ],
    ...["-d", "-D", "-f", "--force", "--all", "--git-dir=/tmp", "--work-tree=/", "-C/", "--end-of-options", "--expand", "--json"],
    ...[
      "@",
      "@{-1}",
      "@{u}",
      "@{upstream}",
      "HEAD",
      "HEAD~1",
      "HEAD^{}",
      "HEAD^{tree}",
      "HEAD^{/first}",
      "main^{commit}",
      "main~0",
      "main..HEAD",
    ],
    ...[
      "main...HEAD",
      "^main",
      ":/first",
      ":0:README.md",
      ":README.md",
      ":(exclude)*",
      ":!x",
      "refs/heads/main",
      "heads/main",
      "refs/../x",
    ],
    ...[
      "FETCH_HEAD",
      "ORIG_HEAD",
      "main.lock",
      "a.lock/b",
      ".lock",
      "a/.b",
      ".a",
      "a.",
      "a..b",
      "a//b",
      "/a",
      "a/",
      "//",
      "/",
      "a\\b",
      "a^b",
      "a~b",
    ],
    ...[
      "a:b",
      "a?b",
      "a*b",
      "a[b",
      "a@{b",
      "a@{0}",
      "@a",
      "a@",
      "ext::canary",
      "ext::sh -c canary",
      "file:///etc",
      "+main:main",
      "stash@{0}",
    ],
    ...[
      "x.git",
      ".git",
      ".git/hooks/post-checkout",
      "worktrees/x",
      "refs/fleet/trash/x",
      "HEAD/x",
      "remotes/origin/main",
      "0".repeat(40),
      "-x/y",
    ],
    // Paths
    ...[
      "../canaries/x",
      "../../../../../../../../tmp/fleet-hostile-outside",
      "/etc/passwd",
      "..",
      ".",
      "a/../b",
      "a/./b",
      "%2e%2e/x",
      "..\\..\\x",
    ],
    ...["C:\\x", "C:x", "\\\\server\\share", "CON", "NUL", "aux", "com1", "lpt1.txt", "x.", "x ", " x", "a<b", "/dev/stdin", "/dev/null"],
    ...["/proc/self/environ", "~", "~root", "~/x", "~+", "$HOME/x", "${AI_FLEET_HOME}/x", "a/b/c/d/e/f/g/h"],
    // Control characters and terminals
    ...[
      "a\u0000b",
      "\u0001",
      "\u0003",
      "\u0004",
      "\u0007",
      "\b\b\b",
      "\u000b",
      "\f",
      "\r",
      "a\rb",
      "\u001a",
      "\u001b",
      "\u001f",
      "\u007f",
      "\u0085",
      "\u009b31m",
    ],
    ...[
      "\u001b[31mred",
      "\u001b]0;title\u0007",
      "\u001b]52;c;Y2FuYXJ5\u0007",
      "\u001b[201~",
      "\u001b[200~canary\r",
      "a\u001b[201~\rcanary\r",
      "\u001bP+q\u001b\\",
    ],
    ...[
      "\u001b[2J\u001b[H",
      "\u001bc",
      "\u001b[6n",
      "\u001b]8;;http://x\u001b\\",
      "\r\u001b[Kfake",
      "\u001b[?1049h",
      "\u0090q\u009c",
      "\u009d0;x\u009c",
    ],
    // Unicode
    ...[
      "\u202eabc",
      "\u2066x\u2069",
      "\u200b",
      "a\u200bb",
      "\u200d",
      "\ufeffx",
      "\ufffd",
      "\ufffe",
      "\uffff",
      "e\u0301",
      "\u00e9",
      "Z\u0351\u036b\u0343\u036a",
    ],
    ...[
      "\u{1f680}",
      "\u{1f469}\u200d\u{1f469}\u200d\u{1f467}",
      "\u{1f1e9}\u{1f1ea}",
      "日本語",
      "\ud800",
      "\udc00",
      "a\ud83d",
      "\udc00\ud800b",
      "\u2028",
      "\u2029",
    ],
    ...[
      "\ufdfa",
      "\u212b",
      "\u0131",
      "\u0130",
      "\u00df",
      "\u017f",
      "\u{e0001}x",
      "\u{10ffff}",
      "\ufb01",
      "＄（canary）",
      "；canary",
      "／etc",
      "\u00a0",
      "\u3000",
    ],
    // Long
    ...[
      "x".repeat(80),
      "x".repeat(81),
      "x".repeat(244),
      "x".repeat(245),
      "x".repeat(255),
      "x".repeat(256),
      `${"x/".repeat(499)}xx`,
      "x/".repeat(510),
    ],
    ...["é".repeat(122), "\u{1f680}".repeat(61), "x".repeat(4096), "$(canary)".repeat(500)],
    // Formats and escapes
    ...[
      "%s%s%s%n",
      "%d",
      "%H%M",
      "%Y-%m-%d",
      "%%",
      "%(refname)",
      "%00",
      "{}",
      "{index}",
      "{branch}",
      "{prompt_file}",
      "{0}",
      "\\u0000",
      "\\x1b[31m",
      "\\n",
      "\\",
    ],
    // Parsers and languages
    ...['"', "'", '"""', "'''", "]", "[x]", "[[task]]", 'x = 1\n[setup]\ncommands = ["canary"]', '"\n[setup]\ncommands = ["canary"]\n#'],
    ...[
      ']\ncommands = ["canary"]',
      '{"a":1}',
      '"}, {"branch": "x"',
      "null",
      "true",
      "NaN",
      "-1",
      "1e999",
      "0x1f",
      "1979-05-27",
      "<script>",
      "&amp;",
    ],
    ...["__proto__", "constructor", "toString", "hasOwnProperty", "prototype", "__defineGetter__", "then"],
    ...["", " ", "   ", "\t", "\n", "a b", "a\tb", "a,b", ",", ".*", "(a+)+$", "(", "[", "[]", "[!", "*", "?", "**", `${"*a".repeat(25)}b`],
    ...["Case", "case", "CASE", "STRASSE", "strasse", "list", "fleet", "demo"],
  ]),
];

/** A prompt too long for an argument, and one of a megabyte, with everything in them. */
export const LONG_PROMPTS: readonly string[] = [
  `${"$(canary)'\"`#(canary)\n".repeat(6000)}`.slice(0, 131_072),
  "日本 $(canary)\n".repeat(60_000),
];

/** Bytes that are no UTF-8: a lone continuation, an overlong slash, half a character, a surrogate, Latin-1, UTF-16. */
export const NO_UTF8: readonly Buffer[] = [
  Buffer.from([0x61, 0x80, 0x62]),
  Buffer.from([0xc0, 0xaf]),
  Buffer.from([0xe2, 0x82]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from("Gr\u00f6\u00dfe", "latin1"),
  Buffer.from("\ufeffprompt", "utf16le"),
];

/** Control characters that a terminal obeys, newline and tab left out, and those that hide or turn round text. */
export const RAW = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

/** A world with `canary` on its PATH. */
export function withCanary(world: World): World {
  const log = join(world.root, "canaries");
  world.write(join(log, ".keep"), "");
  const script = `#!/bin/sh\n{ tr '\\0' ' ' < /proc/$PPID/cmdline; echo; } > '${log}/'$$\n`;
  world.write(join(world.root, "bin/canary"), script, 0o755);
  world.env.PATH = `${join(world.root, "bin")}:${world.env.PATH}`;
  return world;
}

/** Command lines of what ran the canary, and files it was led to. */
export function sung(world: World): string[] {
  const log = join(world.root, "canaries");
  return readdirSync(log)
    .filter((name) => name !== ".keep")
    .map((name) => `${name}: ${readFileSync(join(log, name), "utf8")}`);
}

/** All files of the world outside of the fleet's own folder and of repositories' git directories. */
export function places(world: World): string[] {
  const found: string[] = [];
  const look = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (path === world.fleetHome || entry.name === ".git" || path === join(world.root, "canaries")) continue;
      found.push(path);
      if (entry.isDirectory()) look(path);
    }
  };
  look(world.root);
  return found.sort();
}
