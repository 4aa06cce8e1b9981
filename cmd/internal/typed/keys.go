package typed

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
)

// This file is flags for keys and certificates.

// AddKeys adds the flags that say how keys and certificates are made.
func AddKeys(cmd *cobra.Command, algorithm *certs.KeyAlgorithm, lifetime *time.Duration, algorithmDefault, lifetimeDefault string) {
	AddAlgorithm(cmd, algorithm, algorithmDefault)
	cmd.Flags().Var((*Days)(lifetime), "lifetime",
		fmt.Sprintf("how long certificates are valid, such as 90d or 12h (default %s)", lifetimeDefault))
}

// AddAlgorithm adds the flag for the kind of keys.
func AddAlgorithm(cmd *cobra.Command, value *certs.KeyAlgorithm, byDefault string) {
	algorithms := Words(certs.KeyAlgorithms())
	cmd.Flags().Var(&Choice{Value: (*string)(value), Of: algorithms}, "key-algorithm",
		fmt.Sprintf("keys to make: %s (default %s)", strings.Join(algorithms, ", "), byDefault))
}

// Authority reads an authority that two flags name together.
func Authority(certFlag, certFile, keyFlag, keyFile string) (*certs.Authority, error) {
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil
	case certFile == "":
		return nil, hints.Usage(fmt.Errorf("--%s: needs --%s, the certificate that belongs to the key", keyFlag, certFlag))
	case keyFile == "":
		return nil, hints.Usage(fmt.Errorf("--%s: needs --%s, the key that belongs to the certificate", certFlag, keyFlag))
	}
	authority, err := certs.LoadAuthority(certFile, keyFile)
	return authority, hints.Usage(err)
}
