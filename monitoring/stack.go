package monitoring

import "github.com/etcdctr/etcdctr/cluster"

// The names of the files that a stack's own Prometheus reads, in one folder.
const (
	ConfigName = "prometheus.yml"
	RulesName  = "rules.yml"
)

// Stack gives what the stack's own Prometheus finds in its folder, by name.
// certificate is the folder of its certificate as it sees it.
func Stack(c *cluster.Cluster, certificate string) (map[string][]byte, error) {
	config, err := Prometheus(c, Files{Certificate: certificate, Rules: RulesName})
	if err != nil {
		return nil, err
	}
	rules, err := Rules(c.Etcd)
	return map[string][]byte{ConfigName: config, RulesName: rules}, err
}
