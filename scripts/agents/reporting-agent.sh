#!/bin/bash
# An agent for the measuring of time: shows what Claude Code shows, reports as its hooks do, and changes on signals.
# USR1: takes a prompt (hook). USR2: asks (hook). ALRM: the turn is interrupted, which only the screen shows. HUP: ends the turn (hook).
report() {
  [ -d "$AIFLEET_REPORTS" ] || return
  printf '%s' "$2" >"$AIFLEET_REPORTS/.$1.$$" && mv -f "$AIFLEET_REPORTS/.$1.$$" "$AIFLEET_REPORTS/$1"
}
rule=────────────────────────────────────────
show() { printf '\033[2J\033[H● Done.\n\n%s\n\n%s\n❯\n%s\n  ⏸ manual mode on · %s\n' "$1" "$rule" "$rule" "$2"; }
idle() { show "✻ Worked for 1s" "? for shortcuts"; }
trap 'report UserPromptSubmit "{\"session_id\":\"s\",\"prompt\":\"p\"}"; show "✻ Flowing…" "esc to interrupt"' USR1
trap 'report PermissionRequest "{\"session_id\":\"s\",\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"npm test\"}}"; printf "\033[2J\033[H Do you want to proceed?\n ❯ 1. Yes\n   2. No\n\n Esc to cancel\n"' USR2
trap 'report Stop "{\"session_id\":\"s\"}"; idle' HUP
trap idle ALRM
umask 077
report SessionStart '{"session_id":"s"}'
printf '\033[?2004h'
idle
while :; do
  sleep 3600 &
  wait $!
  kill $! 2>/dev/null
done
