// Package multicall is etcd, etcdctl and etcdutl in one program, by the name
// that it is called by: linked together they take less than half of the room
// that the three take apart.
//
// It answers to further names, for what nothing but a container can do: backup takes
// a cluster's backups, see package backup, carrier moves what is in a volume of another
// machine, see package carrier, dns is a stack's DNS server, see package dns, lookat
// tells what a volume or folder is, see package datadir, relay makes a container on a
// stack's network the near end of a tunnel, see package relay, and setaside moves a
// folder in a volume.
package multicall

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/etcdctl/v3/ctlv3"
	"go.etcd.io/etcd/etcdutl/v3/etcdutl"
	"go.etcd.io/etcd/server/v3/etcdmain"

	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cmd/internal/metrics"
	"github.com/etcdctr/etcdctr/cmd/internal/startup"
	"github.com/etcdctr/etcdctr/dns"
	"github.com/etcdctr/etcdctr/internal/durable"
	"github.com/etcdctr/etcdctr/runtime/datadir"
	"github.com/etcdctr/etcdctr/runtime/swarm/carrier"
	"github.com/etcdctr/etcdctr/stack/relay"
)

// programs are by the names that an image of the program has for it.
var programs = map[string]func(args []string){
	"etcd":     Etcd,
	"etcdctl":  func([]string) { ctlv3.MustStart() },
	"etcdutl":  func([]string) { end(etcdutlCommand().Execute()) },
	"backup":   func([]string) { end(serveBackups()) },
	"carrier":  func(args []string) { end(serveVolume(args[1:])) },
	"dns":      func(args []string) { end(serveDNS(args[1:])) },
	"lookat":   func(args []string) { end(lookAt(args[1:])) },
	"relay":    func(args []string) { end(serveRelay(args[1:])) },
	"setaside": func(args []string) { end(setAside(args[1:])) },
}

// Run behaves as the program whose name begins the command line, and reports
// whether there is one. A server that ends ends the process.
func Run(args []string) bool {
	program, ok := programs[strings.TrimSuffix(filepath.Base(args[0]), ".exe")]
	if ok {
		program(args)
	}
	return ok
}

// serveRelay goes on until its streams end. In a folder it hands connections over, if it
// may listen there: who asked for that takes it for granted that it may not.
func serveRelay(args []string) error {
	dial := new(net.Dialer).DialContext
	if len(args) > 0 {
		if l, err := relay.Listen(args[0]); err == nil {
			go relay.Hand(context.Background(), l, dial)
		}
	}
	return relay.Serve(context.Background(), standardStreams{os.Stdin, os.Stdout}, dial)
}

// serveBackups goes on until it is told to end.
func serveBackups() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return backup.Serve(ctx, os.Getenv, os.Stdout)
}

// serveVolume goes on until it is told to end.
func serveVolume(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return carrier.ServeHere(ctx, os.Getenv, args)
}

// serveDNS answers for the zone in a folder, on all addresses, until it is told to
// end.
func serveDNS(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("dns takes the folder of a zone, not %q", args)
	}
	zone, err := os.ReadFile(filepath.Join(args[0], dns.ZoneName))
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := dns.Listen(":53", zone)
	if err != nil {
		return err
	}
	return server.Serve(ctx)
}

// setAside gives a folder another name beside it, for good once it returns. With
// the beginning of a name alone it lists what has such a name, each with what the files
// in it have, in bytes. With --remove before the name of a folder it removes that, and
// with --discard before a folder and the name that it is to have on its way.
func setAside(args []string) error {
	switch {
	case len(args) == 1:
		return listAside(args[0])
	case len(args) == 2 && args[0] == "--remove":
		return os.RemoveAll(args[1])
	case len(args) == 3 && args[0] == "--discard":
		return durable.Discard(args[1], args[2])
	case len(args) == 2:
	default:
		return fmt.Errorf("setaside takes a folder and its new name, the beginning of names, --remove and a folder, or --discard, a folder and its name on the way, not %q", args)
	}
	if _, err := os.Lstat(args[1]); err == nil {
		return fmt.Errorf("%s: there is one already", args[1])
	}
	if err := durable.Tree(args[0]); err != nil { // an engine that has copied it there has not waited for the disk
		return err
	}
	if err := os.Rename(args[0], args[1]); err != nil {
		return err
	}
	return durable.Dir(filepath.Dir(args[1]))
}

// lookAt writes what package datadir finds as JSON, on one line.
func lookAt(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("lookat takes a folder, not %q", args)
	}
	l, err := datadir.At(args[0])
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(l)
}

func listAside(prefix string) error {
	entries, err := os.ReadDir(filepath.Dir(prefix))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), filepath.Base(prefix)) {
			continue
		}
		bytes, err := durable.Size(filepath.Join(filepath.Dir(prefix), e.Name()))
		if err != nil {
			return err
		}
		fmt.Println(e.Name(), bytes)
	}
	return nil
}

// Etcd runs the server with a command line.
func Etcd(args []string) {
	startup.Over()
	metrics.Register()
	waitForPeers(os.Getenv)
	etcdmain.Main(args)
}

// end ends the process if the program has failed.
func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// etcdutlCommand assembles etcdutl's root command, which upstream keeps in its
// package main; the subcommands are upstream's own.
func etcdutlCommand() *cobra.Command {
	cobra.EnablePrefixMatching = true
	root := &cobra.Command{
		Use:   "etcdutl",
		Short: "An administrative command line tool for etcd3.",
	}
	root.PersistentFlags().DurationVar(&etcdutl.FlockTimeout, "timeout", 10*time.Second,
		"time to wait to obtain a file lock on db file, 0 to block indefinitely")
	root.PersistentFlags().StringVarP(&etcdutl.OutputFormat, "write-out", "w", "simple",
		"set the output format (fields, json, protobuf, simple, table)")
	root.AddCommand(
		etcdutl.NewDefragCommand(),
		etcdutl.NewSnapshotCommand(),
		etcdutl.NewHashKVCommand(),
		etcdutl.NewVersionCommand(),
		etcdutl.NewCompletionCommand(),
		etcdutl.NewMigrateCommand(),
	)
	root.SetHelpTemplate(`{{.UsageString}}`)
	return root
}

// standardStreams are the relay's connection to whoever dials through it. The
// process ends with them.
type standardStreams struct {
	io.Reader
	io.Writer
}

func (standardStreams) Close() error { return nil }
