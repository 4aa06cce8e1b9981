package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/compose-spec/compose-go/v2/types"
)

// The hashes are Compose's: SHA-256 of what compose-go makes of the object as
// JSON. Compose recreates what carries another one, and so does this package.

// serviceHash leaves out what does not concern a single container: how the
// image comes about, how many there are and in which order they start.
func serviceHash(s types.ServiceConfig) (string, error) {
	s.Build, s.PullPolicy, s.Scale, s.DependsOn, s.Profiles = nil, "", nil, nil, nil
	if s.Deploy != nil {
		d := *s.Deploy
		d.Replicas = nil
		s.Deploy = &d
	}
	return hash(s)
}

func networkHash(n types.NetworkConfig) (string, error) { return hash(&n) }

func volumeHash(v types.VolumeConfig) (string, error) {
	if v.Driver == "" {
		v.Driver = "local"
	}
	return hash(v)
}

func hash(object any) (string, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return "", fmt.Errorf("hash a %T: %w", object, err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
