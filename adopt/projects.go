package adopt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/cluster"
)

// This file is about what goes on to describe members that were adopted.

// Project is the part of a project of Docker Compose that its members are.
type Project struct {
	Name  string
	Files []string // of the project; empty where nobody says
	// Services and Volumes are those of the members, by their names in the files, and
	// Dependents the services that depend on them.
	Services, Volumes, Dependents []string
}

// String says what is to be taken out of which files.
func (p Project) String() string {
	text := "services: " + strings.Join(p.Services, ", ")
	if len(p.Volumes) > 0 {
		text += "; volumes: " + strings.Join(p.Volumes, ", ")
	}
	if len(p.Dependents) > 0 {
		text += "; depends_on of " + strings.Join(p.Dependents, ", ")
	}
	if len(p.Files) == 0 {
		return fmt.Sprintf("the files of %s (%s)", p.Name, text)
	}
	return fmt.Sprintf("%s (%s)", strings.Join(p.Files, ", "), text)
}

// projectsOf reads of the labels of containers, those of a whole project, which parts
// of it members are.
func projectsOf(all []container.InspectResponse, members []Member) []Project {
	var projects []Project
	for _, in := range all {
		name, service := in.Config.Labels[projectLabel], in.Config.Labels[serviceLabel]
		i := slices.IndexFunc(members, func(m Member) bool { return m.id == in.ID })
		if name == "" || i < 0 {
			continue
		}
		at := slices.IndexFunc(projects, func(p Project) bool { return p.Name == name })
		if at < 0 {
			at = len(projects)
			projects = append(projects, Project{Name: name})
			if files := in.Config.Labels[filesLabel]; files != "" {
				projects[at].Files = strings.Split(files, ",")
			}
		}
		p := &projects[at]
		p.Services = append(p.Services, service)
		if kept := keptIn(in, members[i].DataDir); kept.Type == mount.TypeVolume {
			if key, own := strings.CutPrefix(kept.Name, name+"_"); own { // one without a name is in no file
				p.Volumes = append(p.Volumes, key)
			}
		}
	}
	for i := range projects {
		projects[i].Dependents = dependents(all, projects[i])
	}
	return projects
}

// Labels by which Docker Compose tells of which service of which files something is.
const (
	serviceLabel = composeLabels + "service"
	filesLabel   = composeLabels + "project.config_files"
)

// dependents are the other services of a project that depend on those of members.
func dependents(all []container.InspectResponse, p Project) []string {
	var names []string
	for _, in := range all {
		service := in.Config.Labels[serviceLabel]
		if in.Config.Labels[projectLabel] != p.Name || slices.Contains(p.Services, service) || slices.Contains(names, service) {
			continue
		}
		for _, on := range strings.Split(in.Config.Labels[dependsLabel], ",") {
			if name, _, _ := strings.Cut(on, ":"); slices.Contains(p.Services, name) {
				names = append(names, service)
				break
			}
		}
	}
	return names
}

// Revived are the members that run of those that were adopted.
func Revived(ctx context.Context, f Foreign) ([]etcdctr.Revived, error) {
	s, err := f.Look(ctx)
	if errors.Is(err, ErrNothing) {
		return nil, nil
	}
	if s == nil { // that they are no cluster to adopt, as one is there twice, is no reason not to tell
		return nil, err
	}
	var all []etcdctr.Revived
	for _, m := range s.Members {
		if m.Active() {
			all = append(all, m.revived(s.Runtime))
		}
	}
	return all, nil
}

// revived says how a member is called that runs, and what stops it.
func (m Member) revived(on cluster.Runtime) etcdctr.Revived {
	if on == cluster.Docker {
		return etcdctr.Revived{Name: m.Hosts[0], DataAt: m.DataAt, Stop: "docker stop " + m.Hosts[0]}
	}
	r := etcdctr.Revived{Name: fmt.Sprintf("%s on %s", m.Detail, m.DataDir), DataAt: m.DataAt, Stop: "kill " + m.id}
	if unit := unitIn(m.DataDir); unit != "" {
		r.Name, r.Stop = unit, "systemctl disable --now "+unit
	}
	return r
}
