import { createHash } from "node:crypto";
import { globLiteral, tmuxWord } from "./quote.js";
import type { TmuxSettings } from "./settings.js";

/** A tmux.conf with the hash that a server which has read it carries in `@aifleet_conf`. */
export interface Conf {
  readonly text: string;
  readonly hash: string;
}

/** The configuration of the fleet's own server. */
export function tmuxConf(settings: TmuxSettings): Conf {
  const key = tmuxWord(settings.detachKey);
  const lines = [
    "# Written by the fleet and replaced without asking. Your own settings belong into a file of",
    "# yours: name it as tmux.include in config.toml, and it is read after these.",
    "",
    "# The server holds agents only, and ends with the last of them.",
    "set -s exit-empty on",
    "set -g destroy-unattached off",
    "set -g detach-on-destroy on",
    "set -g update-environment ''",
    "",
    "# An ended agent keeps its last screen.",
    "setw -g remain-on-exit on",
    "setw -gq remain-on-exit-format ''",
    `set -g history-limit ${Math.max(0, Math.trunc(settings.historyLimit))}`,
    "set -g default-size 200x50",
    "setw -g window-size latest",
    "",
    "# A terminal that agents' own interfaces work well in.",
    "set -s default-terminal screen-256color",
    "set -s escape-time 10",
    "set -g focus-events on",
    "set -g mouse on",
    "setw -g automatic-rename off",
    "setw -g allow-rename off",
    "",
    "# The status line: which agent this is, how it ended, how to leave.",
    "set -g status on",
    "set -g status-interval 15",
    "set -g status-style 'bg=colour236,fg=colour252'",
    "set -g status-left-length 120",
    "set -g status-left ' #[bold]#{session_name}#[nobold] '",
    "setw -g window-status-format ''",
    "setw -g window-status-current-format ''",
    "set -g status-right-length 60",
    `set -g status-right ${tmuxWord(`#{?pane_dead,ended#{?pane_dead_status, with #{pane_dead_status},} · ,}${plain(settings.detachKey)} detaches `)}`,
    `bind-key -n ${key} detach-client`,
  ];
  if (settings.include !== null) lines.push("", `source-file -q ${tmuxWord(globLiteral(settings.include))}`);
  const body = `${lines.join("\n")}\n`;
  const hash = createHash("sha256").update(body).digest("hex").slice(0, 16);
  return { text: `${body}\nset -s @aifleet_conf ${hash}\n`, hash };
}

/** Text inside a format that is also taken as a date. */
function plain(text: string): string {
  return text.replaceAll("#", "##").replaceAll("%", "%%").replaceAll(",", "#,").replaceAll("}", "#}");
}
