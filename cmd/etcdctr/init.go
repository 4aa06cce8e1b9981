package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/internal/outfile"
)

func newInitCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a cluster file to begin with, commented",
		Long: `init writes a cluster file, etcdctr.yaml unless -f names another: what was said by
flags, and every usual key besides with its default, commented out. On a terminal
it asks three questions where no flag has answered. A file that is there stays as
it is. ` + "`etcdctr up`" + ` makes the cluster what the file says, now and after every change.`,
		Example: `  etcdctr init
  etcdctr init --name orders --members 5 --profile production
  etcdctr init --runtime process
  etcdctr init -f orders/etcdctr.yaml --name orders`,
		Args: typed.NoArgs,
	}
	f := a.ByFile(cmd)
	for _, k := range cluster.Keys() {
		target.AddKey(cmd, k)
	}
	target.AddRunBy(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runInit(cmd.Context(), a, f) }
	return cmd
}

func runInit(ctx context.Context, a *app, f *target.Flags) error {
	if err := f.ReadVariables(); err != nil {
		return err
	}
	path := cmp.Or(f.File, target.DefaultFile)
	if path == "-" {
		return usage(errors.New("-f: init writes a file: name one"))
	}
	if _, err := os.Lstat(path); err == nil {
		return withHint(usage(fmt.Errorf("%s is there, and stays as it is", path)), "-f names another file to write")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return usage(fmt.Errorf("cannot write the cluster file: %w", err))
	}
	said := f.Said()
	if len(said) == 0 && a.Person() {
		var err error
		if said, err = cluster.AskFirst(func(question string) (string, error) { return a.Ask(ctx, question) }, a.Fail); err != nil {
			return err
		}
	}
	file, err := cluster.FirstFile(path, said)
	if err != nil {
		return usage(err)
	}
	if err := outfile.Folder(filepath.Dir(path), 0o644, outfile.File{Name: filepath.Base(path), Data: file}); err != nil {
		return fmt.Errorf("cannot write the cluster file: %w", err)
	}
	up := "etcdctr up" + fileFlag(f.File)
	if cluster.Runtime(said["runtime"]).RunsPrograms() {
		a.Say("%s is written: edit it, then `%s`, which stays until Ctrl-C ends the members, or `%s --detach`", path, up, up)
		return nil
	}
	a.Say("%s is written: edit it, then `%s`", path, up)
	return nil
}

// fileFlag is -f as it is typed, for a file that is not looked for.
func fileFlag(file string) string {
	if file == "" {
		return ""
	}
	return " -f " + compose.QuoteShell(file)
}
