//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/etcdctr/etcdctr/internal/etcdtest"
	"github.com/etcdctr/etcdctr/internal/pages"
	"github.com/etcdctr/etcdctr/process"
	"github.com/etcdctr/etcdctr/runtimes"
)

// elsewhere are pages that are made of tables, with tests of their own.
var elsewhere = map[string]bool{
	"lint.md": true, "settings.md": true, "bootstraps.md": true, "architecture.md": true, "troubleshooting.md": true,
}

// eachPage parses every page but those.
func eachPage(t *testing.T, do func(t *testing.T, p *pages.Page)) {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../../README.md") {
		name := filepath.Base(file)
		if elsewhere[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, err := pages.Parse(name, string(text))
			if err != nil {
				t.Fatal(err)
			}
			do(t, p)
		})
	}
}

// TestPages does what the pages say, as somebody would on a machine without an
// engine. Pages that need one are run in e2e.
func TestPages(t *testing.T) {
	t.Parallel() // scripts have other ports
	eachPage(t, func(t *testing.T, p *pages.Page) {
		if p.Docker {
			return
		}
		r := &pages.Runner{Dir: t.TempDir(), Env: pageEnvironment(t), Log: t.Logf}
		t.Cleanup(func() { endProcessesOf(t, r.Dir) })
		if err := r.Run(t.Context(), p); err != nil {
			t.Error(err)
		}
	})
}

// TestWhatIsNotRunIsCounted keeps the list of all blocks that nobody types, each
// with its reason, and reads every file that is YAML.
func TestWhatIsNotRunIsCounted(t *testing.T) {
	var notRun []string
	eachPage(t, func(t *testing.T, p *pages.Page) {
		notRun = append(notRun, p.NotRun()...)
		for _, b := range p.Blocks {
			var file any
			if ext := filepath.Ext(b.File); ext != ".yml" && ext != ".yaml" {
				continue
			}
			if err := yaml.Unmarshal([]byte(b.Text), &file); err != nil {
				t.Errorf("%s:%d: %v", p.Name, b.Line, err)
			}
		}
	})
	comparePage(t, "testdata/notrun.golden", strings.Join(notRun, "\n")+"\n")
}

// pageEnvironment is that of a machine without an engine, on which nobody else is. Members are left in the
// background there too, as containers are in any case.
func pageEnvironment(t *testing.T) []string {
	t.Helper()
	etcdtest.HoldAlone(t)
	program, err := exec.LookPath("etcdctr")
	if err != nil {
		t.Fatal(err)
	}
	bin, home := t.TempDir(), t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = up ]; then shift; set -- up --detach \"$@\"; fi\nexec '%s' \"$@\"\n", program)
	if err := os.WriteFile(filepath.Join(bin, "etcdctr"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+home, "XDG_CACHE_HOME="+home, "LC_ALL=C.UTF-8",
		"DOCKER_HOST=unix://"+home+"/no-engine.sock", "NO_COLOR=1")
}

func endProcessesOf(t *testing.T, dir string) {
	t.Helper()
	homes, err := filepath.Glob(filepath.Join(dir, "*", runtimes.ProcessFolder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := filepath.Glob(filepath.Join(dir, runtimes.ProcessFolder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, home := range append(homes, own...) {
		_ = process.Home{Dir: home}.Shutdown(context.Background(), true) // there may be none
	}
}
