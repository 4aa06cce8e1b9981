package cluster

import (
	"path/filepath"
	"slices"
	"strings"
)

// Locate has the files and folders that keys name be meant from a folder, as those of
// a cluster file are from its own.
func (s *Spec) Locate(dir string) {
	for _, path := range s.paths() {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
}

// paths are the keys that name files.
func (s *Spec) paths() []*string {
	paths := []*string{&s.CertsDir, &s.EtcdBinary, &s.DiscoveryCACert, &s.DiscoveryCert, &s.DiscoveryKey, &s.DiscoveryPasswordFile}
	if s.Auth != nil {
		for i := range s.Auth.Users {
			paths = append(paths, &s.Auth.Users[i].PasswordFile)
		}
	}
	for i := range s.Members.List {
		paths = append(paths, &s.Members.List[i].EngineCerts)
	}
	if !NamesService(s.Backup.Destination) {
		paths = append(paths, &s.Backup.Destination)
	}
	return paths
}

// Check finds all mistakes of a Spec whose members are going to be in containers,
// unless it says otherwise.
func Check(spec Spec) error {
	place := Placement(InContainers)
	if Runtime(spec.Runtime).RunsPrograms() {
		place = UnderSupervision("", "")
	}
	_, err := Resolve(spec.Tokened(), place)
	return err
}

// bearable are the keys of which nothing is wanted by who looks at a cluster, reaches it
// or ends it: none of them says which cluster is meant, where it is, or what is its data.
var bearable = []string{
	"auth", "settings", "environment", "certs", "backup", "heartbeat-interval", "election-timeout", "quota-backend-bytes",
	"auto-compaction-mode", "auto-compaction-retention", "snapshot-count", "log-level", "max-learners",
}

// WithoutWrong is the Spec without the keys in which something is wrong, and what is: for
// who wants nothing of them. Those that are minded stay, as do those that such a one
// wants, too.
func (s Spec) WithoutWrong(minded ...string) (Spec, Problems) {
	key := func(p Problem) string { return p.Path[:strings.IndexAny(p.Path+".", ".[")] }
	wrong := slices.DeleteFunc(problemsOf(Check(s)), func(p Problem) bool {
		return !slices.Contains(bearable, key(p)) || slices.Contains(minded, key(p))
	})
	for _, p := range wrong {
		s.field(key(p)).SetZero()
	}
	return s, wrong
}

// Tokened is the Spec with a token in the place of one that is made when the cluster
// is: for who looks at it before.
func (s Spec) Tokened() Spec {
	if s.WantsFreshToken() {
		s.DiscoveryToken = "one-that-is-made-later"
	}
	return s
}
