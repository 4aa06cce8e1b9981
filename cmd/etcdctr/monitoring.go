package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/monitoring"
)

func newMonitoringCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "monitoring",
		Short: "Watch the cluster with Prometheus, Grafana or OpenTelemetry",
	}
	cmd.AddCommand(newMonitoringPrintCommand(a))
	return cmd
}

type monitoringOptions struct {
	cluster   *target.Flags
	program   string
	certsPath string
	rulesPath string
	from      string
}

// Where somebody who scrapes members in containers may be.
const fromHost, fromNetwork = "host", "network"

func newMonitoringPrintCommand(a *app) *cobra.Command {
	o := monitoringOptions{program: string(monitoring.ForPrometheus)}
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Print what a program that watches clusters reads",
		Long: `print writes a file for a program that watches clusters, right for the release of
etcd that this one runs: the configuration of a Prometheus that scrapes the members,
its recording rules and alerts, a Grafana dashboard, or the configuration of an
OpenTelemetry collector.

With mutual TLS the members ask for a certificate: etcdctr certs issue ` + cluster.MonitoringClient + `
makes it.`,
		Example: `  etcdctr certs issue monitoring
  etcdctr monitoring print --for prometheus > prometheus.yml
  etcdctr monitoring print --for rules > etcd-rules.yml
  etcdctr monitoring print --for grafana > etcd-dashboard.json`,
		Args: typed.NoArgs,
		RunE: with(a, &o, runMonitoringPrint),
	}
	o.cluster = a.Describing(cmd)
	flags := cmd.Flags()
	flags.Var(&typed.Choice{Value: &o.program, Of: typed.Words(monitoring.Programs())}, "for",
		"prometheus, rules, grafana or otel")
	flags.StringVar(&o.certsPath, "certs-path", "", "folder of the certificate as that program sees it (default where it is here)")
	flags.Var(&typed.Choice{Value: &o.from, Of: []string{fromHost, fromNetwork}}, "from",
		"where that program runs: on the host, which reaches published ports, or on the network of the members' containers (default host where all members are published)")
	flags.StringVar(&o.rulesPath, "rules-path", "etcd-rules.yml", "rule file as Prometheus sees it, empty for none")
	return cmd
}

func runMonitoringPrint(ctx context.Context, a *app, o monitoringOptions, _ []string) error {
	c, dir, err := o.cluster.Running(ctx)
	if err == nil {
		dir, err = filepath.Abs(certs.ClientDir(dir, cluster.MonitoringClient))
	}
	if err != nil {
		return err
	}
	files := monitoring.Files{Certificate: o.certsPath, Rules: o.rulesPath}
	if monitoring.Program(o.program).Scrapes() {
		if files.OnHost, err = a.scrapesFromHost(c, o.from); err != nil {
			return err
		}
	}
	if monitoring.Program(o.program).Scrapes() && (monitoring.ByCertificate(c) || files.OnHost && c.TLS == cluster.Mutual) {
		a.tellOfCertificate(dir, c.Auth)
		if files.Certificate == "" {
			files.Certificate = filepath.ToSlash(dir)
		}
	}
	data, err := monitoring.Print(monitoring.Program(o.program), c, files)
	if err != nil {
		return err
	}
	return a.Write("", data)
}

// scrapesFromHost decides where somebody is who scrapes the members: on the host if they
// are published there. Who has to be on their network is told so.
func (a *app) scrapesFromHost(c *cluster.Cluster, from string) (bool, error) {
	inside, published := monitoring.InNetwork(c), monitoring.Published(c)
	switch {
	case len(inside) == 0:
		return false, nil // the addresses are the same from everywhere
	case from == fromHost && !published:
		return false, usage(fmt.Errorf("--from host: %s publishes no port: publish: loopback in the cluster file does, or put that program on the members' network and leave this out", c.Name))
	case published && from != fromNetwork:
		if c.BackupContained() {
			a.Warn("the service that takes the backups publishes no port, and is left out: a program on the members' network asks it, see --from")
		}
		return true, nil
	case !published:
		a.Warn("nothing is published: who reads this has to be on the network %s_%s, on which the members' names are known; publish: loopback in the cluster file lets one on this machine ask", c.Name, compose.ClusterNetwork)
	}
	return false, nil
}

// tellOfCertificate says what a certificate for reading metrics is able to do
// besides, where etcd goes by no users.
func (a *app) tellOfCertificate(dir string, auth *cluster.Auth) {
	if _, err := os.Stat(filepath.Join(dir, certs.CertFile)); err != nil {
		a.Warn("there is no certificate in %s yet: etcdctr certs issue %s makes it", target.ShortPath(dir), cluster.MonitoringClient)
	}
	if auth == nil || !auth.Enabled {
		a.Warn("a client's certificate reads and writes all that etcd holds unless the cluster file switches auth on: then %s reads metrics alone", cluster.MonitoringClient)
	}
}
