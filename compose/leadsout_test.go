package compose_test

import (
	"testing"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/etcdctr/etcdctr/compose"
)

func TestANetworkLeadsOutUnlessItIsInternalOrNobodyAnswers(t *testing.T) {
	masquerading := func(is string) types.NetworkConfig {
		return types.NetworkConfig{DriverOpts: types.Options{"com.docker.network.bridge.enable_ip_masquerade": is}}
	}
	for name, test := range map[string]struct {
		network types.NetworkConfig
		leads   bool
	}{
		"usual":                {types.NetworkConfig{}, true},
		"internal":             {types.NetworkConfig{Internal: true}, false},
		"without masquerading": {masquerading("false"), false},
		"with masquerading":    {masquerading("true"), true},
	} {
		if got := compose.LeadsOut(test.network); got != test.leads {
			t.Errorf("%s: %v", name, got)
		}
	}
}
