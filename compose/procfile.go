package compose

import (
	"fmt"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
)

// Procfile gives the members as processes for foreman, goreman, overmind and
// the like: a name and a shell command a line. command starts an etcd, and is
// as the shell reads it.
func Procfile(c *cluster.Cluster, command string) []byte {
	var b strings.Builder
	for _, m := range c.Members {
		fmt.Fprintf(&b, "%s: %sexec %s\n", m.Name, assignments(m.ServerVariables()), command)
	}
	return []byte(b.String())
}

// assignments sets variables for the shell command behind them.
func assignments(vars []cluster.Variable) string {
	var b strings.Builder
	for _, v := range vars {
		fmt.Fprintf(&b, "%s=%s ", v.Name, QuoteShell(v.Value))
	}
	return b.String()
}
