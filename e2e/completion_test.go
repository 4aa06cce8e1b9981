//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What shells complete, asked of the shells themselves: a command, a flag, and a
// choice that only the flag knows.
func TestShellsCompleteCommandsFlagsAndChoices(t *testing.T) {
	bin := t.TempDir()
	if err := os.Symlink(etcdctrBinary(t), filepath.Join(bin, "etcdctr")); err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{"etcdctr heal": "health", "etcdctr up --memb": "--members", "etcdctr up --tls mut": "mutual"}
	for shell, script := range completers {
		for line, want := range lines {
			cmd := exec.CommandContext(t.Context(), shell, append(slices.Clone(script), line, want)...)
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+t.TempDir(), "TERM=xterm")
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("%s: %q is completed to %q, %v, want %s", shell, line, out, err, want)
			}
		}
	}
}

// completers print what a shell makes of a line. Zsh completes at a prompt only, so
// it gets one, until the word that is waited for is there.
var completers = map[string][]string{
	"bash": {"-c", `
source /usr/share/bash-completion/bash_completion
source <(etcdctr completion bash)
COMP_LINE=$1; COMP_POINT=${#1}; read -ra COMP_WORDS <<<"$1"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_TYPE=9
__start_etcdctr
printf '%s\n' "${COMPREPLY[@]}"`, "bash"},
	"fish": {"-c", `etcdctr completion fish | source; complete --do-complete $argv[1]`},
	"zsh": {"-f", "-c", `
cd $HOME
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; autoload -U compinit; compinit -u; etcdctr completion zsh >complete.zsh; source complete.zsh; compdef _etcdctr etcdctr; print re""ady'
zpty -r -m shell seen '*ready*'
zpty -w -n shell "$1"$'\t'
seen=
for i in {1..600}; do
  sleep 0.1
  while zpty -r -t shell more; do seen+=$more; done
  [[ $seen == *$2* ]] && break
done
zpty -d shell
print -r -- "$seen"`, "zsh"},
}
