package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
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
}

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
	if monitoring.Program(o.program).Scrapes() && monitoring.ByCertificate(c) {
		a.tellOfCertificate(dir)
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

// tellOfCertificate says what a certificate for reading metrics is able to do
// besides.
func (a *app) tellOfCertificate(dir string) {
	if _, err := os.Stat(filepath.Join(dir, certs.CertFile)); err != nil {
		a.Warn("there is no certificate in %s yet: etcdctr certs issue %s makes it", target.ShortPath(dir), cluster.MonitoringClient)
	}
	a.Warn("a client's certificate reads and writes all that etcd holds unless the cluster file switches auth on: then %s reads metrics alone", cluster.MonitoringClient)
}
