package cluster

import (
	"slices"
	"strings"
)

// Bridged gives a cluster with mutual TLS whose members answer clients without it,
// too, on the same ports: the state between plain text and TLS. Its peers go by
// TLS, and etcd has to count them at plain URLs as well as long as some do not.
func (c *Cluster) Bridged() *Cluster {
	b := *c
	b.Bridge = true
	b.Members = slices.Clone(c.Members)
	for i, m := range b.Members {
		settings := slices.Clone(m.Settings)
		for j, s := range settings {
			if s.Name == "listen-client-urls" || s.Name == "advertise-client-urls" {
				settings[j].Value = s.Value + "," + OtherScheme(s.Value)
			}
		}
		b.Members[i].Settings = settings
	}
	return &b
}

// OtherScheme gives URLs, separated by commas, with https for http and the other
// way round.
func OtherScheme(urls string) string {
	list := strings.Split(urls, ",")
	for i, url := range list {
		if rest, ok := strings.CutPrefix(url, "https:"); ok {
			list[i] = "http:" + rest
		} else {
			list[i] = strings.Replace(url, "http:", "https:", 1)
		}
	}
	return strings.Join(list, ",")
}
