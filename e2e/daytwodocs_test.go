//go:build e2e && linux

package e2e

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notRun are the blocks of a page that say which test they are left to.
var notRun = regexp.MustCompile(`<!-- not run:[^>]*-->\n(    .*\n)+`)

// The commands of the pages do what the pages say, in their order.
func TestTheDocumentedChangesOfAClusterWork(t *testing.T) {
	programs := filepath.Join(handedIn(t, envEtcd), "{minor}", "etcd")
	for page, minor := range map[string]int{"members.md": 5, "upgrade.md": 6} {
		l := newLocal(t)
		l.set("runtime: process\netcd-binary: " + programs)
		l.etcdctr("up", "--detach", "--etcd", minorRelease(minor))
		text := notRun.ReplaceAllStringFunc(readFile(t, "../docs/"+page), func(block string) string {
			if strings.Contains(block, t.Name()) {
				return block
			}
			return ""
		})
		commands := regexp.MustCompile("(?m)^    etcdctr (.*)$").FindAllStringSubmatch(text, -1)
		if len(commands) < 4 {
			t.Errorf("%s has %d commands", page, len(commands))
		}
		for _, c := range commands {
			args := strings.Fields(c[1])
			if args[0] == "up" {
				args = append(args, "--detach") // as containers are in any case
			}
			out := l.etcdctr(args...)
			if slices.Contains(args, "--dry-run") && strings.TrimSpace(out) == "" {
				t.Errorf("%s: etcdctr %s has nothing to do", page, c[1])
			}
		}
		l.etcdctr("health")
	}
}
