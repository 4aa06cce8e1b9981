package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/etcdctr/etcdctr/internal/outfile"
)

// This file writes results: what a script would read, or what somebody keeps.

// printJSON writes a result for a script.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printJSONLine writes one result of several.
func (a *app) printJSONLine(v any) error { return json.NewEncoder(a.out).Encode(v) }

// writeResult writes a command's result to standard output, or whole to a file.
func (a *app) writeResult(output string, data []byte) error {
	if output == "" {
		_, err := a.out.Write(data)
		return err
	}
	if err := outfile.Write(output, data, 0o644); err != nil {
		return fmt.Errorf("cannot write %s: %w", output, err)
	}
	return nil
}

// writeFile writes a file whole, and the folders that it is in.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	return outfile.Folder(filepath.Dir(path), mode, outfile.File{Name: filepath.Base(path), Data: data})
}
