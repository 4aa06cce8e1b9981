package lint

import "github.com/etcdctr/etcdctr/cluster"

// This file is what others than rules ask of what was read.

// Name is what the member calls itself.
func (m *Member) Name() string { return m.name() }

// Effective gives the settings that etcd goes by, each once, in the order in which
// they are written.
func (m *Member) Effective() cluster.Settings {
	var out cluster.Settings
	seen := map[string]bool{}
	for _, s := range m.Settings {
		if one, ok := m.find(s.Name); ok && !seen[s.Name] {
			seen[s.Name] = true
			out = append(out, one.Setting)
		}
	}
	return out
}

// DataDir is where the member has its data, absolute if that is known.
func (m *Member) DataDir() string { return m.dataDir() }

// Unread tells that the member's settings are in a file that could not be read.
func (m *Member) Unread() bool { return m.blind }

// Clusters gives the members that are of one cluster together.
func (s *Stack) Clusters() [][]*Member { return s.clusters() }

// Version is the release, where it is known to the patch and supported.
func (r Release) Version() (cluster.Version, bool) { return r.version() }
