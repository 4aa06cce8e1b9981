package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/target"
	"github.com/etcdctr/etcdctr/cmd/internal/typed"
	"github.com/etcdctr/etcdctr/dns"
)

func newDNSCommand(a *app) *cobra.Command {
	format := typed.TableFormat
	cmd := &cobra.Command{
		Use:   "dns",
		Short: "Print the DNS records that members and clients find each other by",
		Long: `dns prints the SRV and address records of a cluster with --bootstrap dns, for
people who serve them with a DNS server of their own. A stack in containers
brings its server and the records along.`,
		Example: `  etcdctr dns --bootstrap dns
  etcdctr dns --bootstrap dns --discovery-domain etcd.example.com --format zone > etcd.example.com.zone
  etcdctr dns check 192.0.2.53 --bootstrap dns`,
		Args: typed.NoArgs,
	}
	flags := a.Describing(cmd)
	cmd.Flags().Var(&typed.Choice{Value: &format, Of: []string{typed.TableFormat, "zone", "dnsmasq", "coredns", typed.JSONFormat}}, "format",
		"table, zone (a zone file), dnsmasq or coredns (their configuration) or json")
	cmd.RunE = func(*cobra.Command, []string) error {
		c, err := resolveDNS(flags)
		if err != nil {
			return err
		}
		return a.printRecords(c, format)
	}
	cmd.AddCommand(newDNSCheckCommand(a))
	return cmd
}

// resolveDNS resolves a cluster that has records.
func resolveDNS(f *target.Flags) (*cluster.Cluster, error) {
	c, err := f.ResolveAsRun()
	if err != nil {
		return nil, err
	}
	if c.DNS == nil {
		return nil, usage(fmt.Errorf("bootstrap: %s does without DNS records: set it to dns", c.Bootstrap))
	}
	return c, nil
}

func (a *app) printRecords(c *cluster.Cluster, format string) error {
	switch format {
	case "zone":
		return a.Write("", dns.Zone(c))
	case "dnsmasq":
		return a.Write("", dns.Dnsmasq(c))
	case "coredns":
		return a.Write("", dns.Corefile(c, "."))
	}
	records := dns.Records(c)
	var rows [][]string
	for _, r := range records {
		rows = append(rows, []string{r.Name, r.Type, r.Value})
	}
	return a.Result(format, records, a.Table([]string{"name", "type", "value"}, rows))
}
