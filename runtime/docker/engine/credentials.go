package engine

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
)

// Credentials finds what `docker login` has kept for the registry of an image,
// encoded as an engine wants it.
func Credentials(ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", err
	}
	host := reference.Domain(named)
	if host == "docker.io" {
		host = "https://index.docker.io/v1/" // the key that docker login has always used
	}
	var complaint strings.Builder
	file := config.LoadDefaultConfigFile(&complaint)
	if complaint.Len() > 0 {
		return "", fmt.Errorf("credentials for %s: %s", host, strings.TrimSpace(strings.TrimPrefix(complaint.String(), "WARNING: Error ")))
	}
	kept, err := file.GetAuthConfig(host)
	if err != nil {
		return "", fmt.Errorf("credentials for %s: %w", host, err)
	}
	return authconfig.Encode(registry.AuthConfig{
		Username: kept.Username, Password: kept.Password, Auth: kept.Auth,
		ServerAddress: kept.ServerAddress, IdentityToken: kept.IdentityToken, RegistryToken: kept.RegistryToken,
	})
}

// CertsDirs are where Docker keeps the certificates of registries: the Engine's
// folder, and the one of Docker Desktop's users.
func CertsDirs() []string {
	return []string{"/etc/docker/certs.d", filepath.Join(config.Dir(), "certs.d")}
}
