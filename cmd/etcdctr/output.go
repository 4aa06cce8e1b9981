package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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

// readSecret reads what a flag's file holds and nobody is to read along, without the end
// of its line.
func readSecret(flag, file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", usage(fmt.Errorf("--%s: %w", flag, err))
	}
	secret := strings.TrimRight(string(data), "\r\n")
	if secret == "" {
		return "", usage(fmt.Errorf("--%s: %s is empty: put it there", flag, file))
	}
	return secret, nil
}
