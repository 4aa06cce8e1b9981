//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/pages"
)

// typedByFleet begins why blocks of a page are not run that take three machines.
const typedByFleet = "three machines: "

// TestFleetPage types what a newcomer reads on the page of machines: at most five
// commands lead to a cluster on three of them.
func TestFleetPage(t *testing.T) {
	useTodaysEngine(t)
	p, err := pages.Parse("machines.md", readFile(t, "../docs/machines.md"))
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	var typed []pages.Block
	for _, b := range p.Blocks {
		if !strings.HasPrefix(b.NotRun, typedByFleet) && len(typed) > 0 {
			break
		}
		b.NotRun = ""
		typed = append(typed, b)
		if b.File == "" {
			calls += len(b.Calls())
		}
	}
	if len(typed) < 2 || calls > 5 {
		t.Fatalf("the page begins with %d blocks and %d commands", len(typed), calls)
	}
	p.Blocks = typed
	image := etcdImage(t, cluster.NewestMinor)
	official := cluster.OfficialImage + ":" + cluster.DefaultVersion.String()
	nameImage(t, image, official)
	f := newFleet(t, 3, official)
	bin := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec nsenter --net=/run/netns/%s %s \"$@\"\n", f.namespace, etcdctrBinary(t))
	if err := os.WriteFile(filepath.Join(bin, "etcdctr"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	r := &pages.Runner{Dir: f.home, Env: append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "XDG_CACHE_HOME="+t.TempDir(), "LC_ALL=C.UTF-8", "NO_COLOR=1"), Log: t.Logf}
	if err := r.Run(t.Context(), p); err != nil {
		t.Error(err)
	}
	t.Logf("%d commands to three machines", calls)
}
