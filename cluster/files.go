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

// WithoutWrongBackups is the Spec without what it says of backups where that is wrong, and
// what is: for who wants nothing of them.
func (s Spec) WithoutWrongBackups() (Spec, Problems) {
	wrong := slices.DeleteFunc(problemsOf(Check(s)), func(p Problem) bool { return !strings.HasPrefix(p.Path, "backup.") })
	if len(wrong) > 0 {
		s.Backup = BackupSpec{}
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
