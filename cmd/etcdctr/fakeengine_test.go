package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// fakeEngine answers what a Docker Engine answers to those who only look. A
// script has what it holds in the folder engine: containers/json.json for the
// list of containers, and so on after the paths of the API. Whatever else it is asked for is not there.
type fakeEngine struct {
	dir     string
	version string // of its API
}

// emptyEngine is what an engine says that holds nothing.
var emptyEngine = map[string]string{
	"info.json":            `{"Name": "elsewhere"}`,
	"version.json":         `{"Version": "20.10.24", "Components": [{"Name": "Engine", "Version": "20.10.24"}]}`,
	"containers/json.json": `[]`,
	"networks.json":        `[]`,
	"volumes.json":         `{"Volumes": []}`,
}

func (e fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", e.version)
	w.Header().Set("Server", "Docker/20.10.24 (linux)")
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/_ping" {
		return
	}
	_, what, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v"), "/")
	answer, err := os.ReadFile(filepath.Join(e.dir, filepath.FromSlash(what)+".json"))
	text, known := emptyEngine[what+".json"]
	if id, one := strings.CutPrefix(what, "containers/"); one && err != nil {
		if answer = e.inspect(strings.TrimSuffix(id, "/json")); answer != nil {
			err = nil
		}
	}
	switch {
	case err == nil:
		text = string(answer)
	case !known || r.Method != http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
		text = `{"message": "the engine has no ` + what + `"}`
	}
	_, _ = w.Write([]byte(text))
}

// inspect tells of one container what the list tells of it; nil if it is not
// there.
func (e fakeEngine) inspect(id string) []byte {
	data, err := os.ReadFile(filepath.Join(e.dir, "containers", "json.json"))
	if err != nil {
		return nil
	}
	var list []struct {
		ID, Image, State, Status string
		Names                    []string
		Labels                   map[string]string
		Mounts                   []any
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil
	}
	for _, c := range list {
		if c.ID != id {
			continue
		}
		state := map[string]any{"Status": c.State}
		if _, code, ended := strings.Cut(c.Status, "Exited ("); ended {
			code, _, _ = strings.Cut(code, ")")
			state["ExitCode"] = json.Number(code)
		}
		answer, err := json.Marshal(map[string]any{
			"Id": c.ID, "Name": c.Names[0], "Image": c.Image, "State": state, "Mounts": c.Mounts,
			"Config": map[string]any{"Image": c.Image, "Labels": c.Labels}, "HostConfig": map[string]any{},
		})
		if err != nil {
			return nil
		}
		return answer
	}
	return nil
}

// startEngine starts a fake engine whose API has a version, and has the script use
// it.
func startEngine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: engine API-VERSION")
	}
	socket := ts.MkAbs("engine.sock")
	ts.Check(ignoreNotExist(os.Remove(socket)))
	l, err := net.Listen("unix", socket)
	ts.Check(err)
	server := &http.Server{Handler: fakeEngine{ts.MkAbs("engine"), args[0]}}
	go func() { _ = server.Serve(l) }()
	ts.Defer(func() { server.Close() })
	ts.Setenv("DOCKER_HOST", "unix://"+socket)
}

func ignoreNotExist(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
