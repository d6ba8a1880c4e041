export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** Each script hands the words so far to `fleet __complete`, which answers one candidate a line: word, tab, description. */
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# fleet completion for bash
_fleet_complete() {
  local line words=() cur
  # Words as typed: bash breaks them at = and :, which branches and flags may hold.
  read -ra words <<< "\${COMP_LINE:0:COMP_POINT}"
  [[ "\${COMP_LINE:0:COMP_POINT}" == *[[:space:]] ]] && words+=("")
  cur="\${words[\${#words[@]}-1]}"
  COMPREPLY=()
  while IFS= read -r line; do
    line="\${line%%$'\\t'*}"
    [[ -n "$line" ]] && COMPREPLY+=("$line")
  done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == :files ]]; then
    COMPREPLY=()
    compopt -o default 2>/dev/null
    return
  fi
  local broken="\${cur%"\${COMP_WORDS[COMP_CWORD]}"}" at
  if [[ -n "$broken" && "$cur" != "$broken" || "$cur" == *[=:] ]]; then
    broken="\${cur%"\${cur##*[=:]}"}"
    for at in "\${!COMPREPLY[@]}"; do COMPREPLY[at]="\${COMPREPLY[at]#"$broken"}"; done
  fi
}
complete -F _fleet_complete fleet flt
`,
  zsh: `#compdef fleet flt
# fleet completion for zsh
_fleet() {
  local -a candidates
  local line word
  while IFS= read -r line; do
    [[ -z $line ]] && continue
    if [[ $line == :files ]]; then
      _files
      return
    fi
    word=\${line%%$'\\t'*}
    candidates+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
  done < <(\${words[1]} __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe -V fleet candidates
}
if [[ \${funcstack[1]} == _fleet ]]; then
  _fleet "$@"
else
  compdef _fleet fleet flt
fi
`,
  fish: `# fleet completion for fish
function __fleet_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l answer ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    if test "$answer" = :files
        __fish_complete_path (commandline -ct)
        return
    end
    printf '%s\\n' $answer
end
complete -c fleet -f -a '(__fleet_complete)'
complete -c flt -f -a '(__fleet_complete)'
`,
};

export function scriptFor(shell: Shell): string {
  return SCRIPTS[shell];
}
