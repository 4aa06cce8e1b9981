package compose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"

	"github.com/etcdctr/etcdctr/cluster"
)

// Version1 gives a project as docker-compose 1.27 to 1.29, the last of version 1,
// reads it. The project's name has to be said to it; what else it can't be told, the
// header of the file tells.
func Version1(p *types.Project) *types.Project {
	old := *p
	old.Name = "" // see namedByCaller
	old.Services = types.Services{}
	for name, s := range p.Services {
		if s.HealthCheck != nil {
			check := *s.HealthCheck
			check.StartInterval = nil
			s.HealthCheck = &check
		}
		s.Volumes = slices.Clone(s.Volumes)
		for i := range s.Volumes {
			s.Volumes[i].Bind = nil // in this form nothing is made of a folder that is not there
		}
		old.Services[name] = s
	}
	return &old
}

// namedByCaller tells that a project's name is not in its file: docker-compose of
// version 1 knows none there.
func namedByCaller(p *types.Project) bool { return p.Name == "" }

// forVersion1 writes a host and its address as docker-compose of version 1 hands them on
// to the engine, which knows no equals sign there.
func forVersion1(root *yaml.Node) {
	for _, s := range values(get(root, "services")) {
		for _, host := range items(get(s, "extra_hosts")) {
			host.Value = strings.Replace(host.Value, "=", ":", 1)
		}
	}
}

// version1Header tells how the file is used, and what is not in it.
func version1Header(c *cluster.Cluster) string {
	return fmt.Sprintf(`# %[1]s
#
#   docker-compose --project-name %[2]s --file THIS-FILE up -d
#   docker-compose --project-name %[2]s --file THIS-FILE exec %[3]s etcdctl endpoint health --cluster
#
# For docker-compose 1.27 to 1.29, the last of version 1, which has to be told the
# project's name each time. It can't be told:
#   start_interval    a member is seen to be healthy seconds after it is
#   selinux           where SELinux enforces, label the folders that are mounted
# Its containers have names with underscores: etcdctr finds them all the same, and
# etcdctr up replaces them, one by one, by containers of its own.
#
# Made by etcdctr: to change it, change the cluster file or the flags and make it again.

`, summary(c), c.Name, c.Members[0].Name)
}
