package lint

import "slices"

// rules is every rule, worst first within its subject.
var rules = slices.Concat(bootstrapRules, alikeRules, exposureRules, tlsRules, dataRules, settingRules, blind(releaseRules), blind(containerRules))

// blind marks rules that look at containers and images only.
func blind(rules []Rule) []Rule {
	rules = slices.Clone(rules)
	for i := range rules {
		rules[i].Blind = true
	}
	return rules
}

// Sources that several rules stand on.
const (
	docsConfiguration = "https://etcd.io/docs/v3.6/op-guide/configuration/"
	docsClustering    = "https://etcd.io/docs/v3.6/op-guide/clustering/"
	docsSecurity      = "https://etcd.io/docs/v3.6/op-guide/security/"
	docsMaintenance   = "https://etcd.io/docs/v3.6/op-guide/maintenance/"
	docsContainer     = "https://etcd.io/docs/v3.6/op-guide/container/"
	docsFAQ           = "https://etcd.io/docs/v3.6/faq/"
	docsCompose       = "https://docs.docker.com/reference/compose-file/services/"
	docsLogging       = "https://docs.docker.com/engine/logging/configure/"
)
