package etcdctr

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/etcdctr/etcdctr/internal/listed"
	"github.com/etcdctr/etcdctr/runtime"
)

// ProcfileError is the runtime.ErrNotFound of a cluster that no runtime has, and whose
// members a Procfile in the folder starts, as `etcdctr procfile` writes it: they have data.
type ProcfileError struct {
	Name, Path string
	Members    []string // that have data
}

func (e *ProcfileError) Error() string {
	return fmt.Sprintf("%s is in the processes of %s, which no runtime here looks after: %s there", e.Name, e.Path, haveData(e.Members))
}

func haveData(members []string) string {
	return listed.And(members) + listed.Of(len(members), " has its data", " have their data")
}

// Is makes it a runtime.ErrNotFound.
func (e *ProcfileError) Is(target error) bool { return target == runtime.ErrNotFound }

// Remedy is what can be done about it.
func (e *ProcfileError) Remedy() string {
	return fmt.Sprintf("what reads Procfiles, such as foreman, starts it, and `etcdctl --endpoints` asks it; `etcdctr adopt --dry-run %s` tells how it becomes one of etcdctr's; --name founds another one beside it, as it does once the Procfile is not there any more", e.Path)
}

// Lines that compose.Procfile writes, and what tells of which cluster they are.
var (
	procfileLine  = regexp.MustCompile(`(?m)^([^:\s]+): ETCD_NAME=\S+ .*\bexec `)
	procfileData  = regexp.MustCompile(` ETCD_DATA_DIR=('[^']+'|\S+) `)
	procfileToken = regexp.MustCompile(` ETCD_INITIAL_CLUSTER_TOKEN=('[^']+'|\S+) `)
)

// procfile is a *ProcfileError where members of a cluster that nothing runs have data by a
// Procfile in the folder; nil otherwise. One that was asked for by a name of its own, or that
// adopts, is another one.
func (c *Cluster) procfile() error {
	if c.spec.NameIsSaid() || c.spec.Adopts != "" {
		return nil
	}
	e := &ProcfileError{Name: c.spec.ClusterName(), Path: filepath.Join(c.o.Folder, "Procfile")}
	text, err := os.ReadFile(e.Path)
	if err != nil {
		return nil //nolint:nilerr // it is not there
	}
	token := cmp.Or(c.spec.InitialClusterToken, e.Name)
	for _, line := range strings.Split(string(text), "\n") {
		m := procfileLine.FindStringSubmatch(line)
		if data := inLine(procfileData, line); m != nil && inLine(procfileToken, line) == token && isFolder(filepath.Join(c.o.Folder, data, "member")) {
			e.Members = append(e.Members, m[1])
		}
	}
	if e.Members == nil {
		return nil
	}
	return e
}

// inLine is a value of a variable in a line; empty for none.
func inLine(variable *regexp.Regexp, line string) string {
	m := variable.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return strings.Trim(m[1], "'")
}
