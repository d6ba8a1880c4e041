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
  lines.push("", ...safeguards(key));
  const body = `${lines.join("\n")}\n`;
  const hash = createHash("sha256").update(body).digest("hex").slice(0, 16);
  return { text: `${body}\nset -s @aifleet_conf ${hash}\n`, hash };
}

const DEAD = "#{pane_dead}";
/**
 * Clears the terminal of a pane and shows its last screen in copy mode. That moves the screen into the
 * history, or else it is put into a buffer first: see `screens.ts`. Once: a second time there is nothing left.
 */
const KEEP = "set-option -p @aifleet_last 1 ; run-shell -C 'capture-pane -S - -b aifleet-last-#{s/%//:pane_id}'";
const CLEAR = `if-shell -F '#{||:#{alternate_on},#{==:#{history_limit},0}}' ${tmuxWord(`${KEEP} ; copy-mode ; send-keys -R`)} 'send-keys -R ; copy-mode -u'`;
const MARK = "set-option -p @aifleet_ended 1 ; set-option -F -p @aifleet_history '#{history_size}'";
const RESET = `if-shell -F '#{@aifleet_ended}' '' ${tmuxWord(`copy-mode -q ; ${MARK} ; ${CLEAR}`)}`;
/**
 * As a program ends. Where its screen was read for the last time and its session is about to go there is nothing to keep: the rest takes
 * tmux a millisecond each, in which it answers nobody.
 */
const DIED = `if-shell -F '#{@aifleet_leaving}' 'copy-mode -q ; send-keys -R' ${tmuxWord(RESET)}`;
const DETACH = `if-shell -F '${DEAD}' ${tmuxWord(RESET)} ; detach-client`;

/**
 * Before 3.5 tmux writes to panes whose program has ended, through a pointer that is null then: the
 * server dies, and every agent with it. It does so
 *
 * - when somebody pastes there;
 * - when a client comes or goes while the program's wish for focus reports stands, which one that was
 *   killed never took back. So the terminal is reset as a program ends; copy mode goes on showing its
 *   last screen. Now and then tmux hears of an end only with that of another child: the status line has one.
 *
 * They come last, so that an included file does not undo them unawares.
 */
function safeguards(detachKey: string): string[] {
  const guarded = (command: string) => `if-shell -F '${DEAD}' '' ${tmuxWord(command)}`;
  const mouse = `if-shell -F '#{||:#{pane_in_mode},#{mouse_any_flag}}' 'send-keys -M' ${tmuxWord(guarded("paste-buffer -p"))}`;
  return [
    "# An ended program's pane must not be written to: it ends the whole server of tmux before 3.5.",
    "%if '#{<:#{version},3.5}'",
    `bind-key ] ${guarded("paste-buffer -p")}`,
    `bind-key = choose-buffer -Z ${tmuxWord(guarded("paste-buffer -p -b '%%'"))}`,
    `bind-key -n MouseDown2Pane select-pane -t = \\; ${mouse}`,
    `set-hook -g pane-died[90] ${tmuxWord(DIED)}`,
    `bind-key -n ${detachKey} ${tmuxWord(DETACH)}`,
    `bind-key d ${tmuxWord(DETACH)}`,
    "set -g status-interval 2",
    "set -ag status-right '#(:)'",
    "%endif",
  ];
}

/** Name of the buffer that holds the last screen of an ended pane, where `@aifleet_last` says so. */
export function screenBuffer(pane: string): string {
  return `aifleet-last-${pane.replace("%", "")}`;
}

/** Text inside a format that is also taken as a date. */
function plain(text: string): string {
  return text.replaceAll("#", "##").replaceAll("%", "%%").replaceAll(",", "#,").replaceAll("}", "#}");
}
