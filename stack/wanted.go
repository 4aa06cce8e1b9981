package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// Wanted is a project as an engine is to run it.
type Wanted struct {
	// Project comes from Compose's loader: names and paths are complete.
	Project *types.Project
	// Images are the IDs of the services' images on the engine, by reference;
	// see ImageID.
	Images map[string]string
	// CopyFiles is for an engine that does not see this machine's files: what
	// a service mounts of them is copied into volumes. See SeesFiles.
	CopyFiles bool
	// Own says that all of the project is the stack's, so that the volumes and
	// networks that are made for it are marked as such. Its external volumes are
	// the stack's as well: they are made where they are not there, and protected by
	// labels that Docker Compose does not go by.
	Own bool
	// Labels are given to all containers and have no part in their hashes: a
	// container is not replaced because of them.
	Labels map[string]string
	// StartInterval is what health checks have where they have one and the engine does
	// too. A container that was made otherwise in nothing else is not replaced for it.
	StartInterval time.Duration
	// Renew are services that have to be replaced although they are what is
	// wanted, each with its cause.
	Renew map[string]string
	// Environment is what containers are given, by service, in the place of what the
	// project says. It has no part in their hashes: they are still what the project says.
	Environment map[string]map[string]string
}

// given is a service with the environment that its container is given.
func (w Wanted) given(s types.ServiceConfig) types.ServiceConfig {
	s.Environment = maps.Clone(s.Environment)
	for name, value := range w.Environment[s.Name] {
		s.Environment[name] = &value
	}
	return s
}

// understood are the keys of a service that containers are created from here.
// A file with others is left to Docker Compose rather than run as something
// else than it says.
var understood = []string{
	"build", "cap_add", "cap_drop", "command", "configs", "container_name", "depends_on", "dns", "dns_opt",
	"dns_search", "domainname", "entrypoint", "env_file", "environment", "expose", "extra_hosts", "group_add",
	"healthcheck", "hostname", "image", "init", "labels", "logging", "mem_limit", "networks", "pids_limit",
	"ports", "profiles", "pull_policy", "read_only", "restart", "scale", "security_opt", "shm_size",
	"stop_grace_period", "stop_signal", "sysctls", "tmpfs", "ulimits", "user", "volumes", "working_dir",
}

// checkService reports all that a service says and this package cannot do.
func checkService(s types.ServiceConfig) error {
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("services.%s: %w", s.Name, err)
	}
	var keys map[string]any
	if err := json.Unmarshal(data, &keys); err != nil {
		return fmt.Errorf("services.%s: %w", s.Name, err)
	}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if keys[key] != nil && !slices.Contains(understood, key) {
			errs = append(errs, fmt.Errorf("services.%s.%s is not supported: start this file with `docker compose up`", s.Name, key))
		}
	}
	if s.GetScale() != 1 {
		errs = append(errs, fmt.Errorf("services.%s.scale must be 1, not %d: start this file with `docker compose up`", s.Name, s.GetScale()))
	}
	return errors.Join(errs...)
}

// containerName is the name that Compose gives the container of a service.
func (w Wanted) containerName(s types.ServiceConfig) string {
	if s.ContainerName != "" {
		return s.ContainerName
	}
	return fmt.Sprintf("%s-%s-1", w.Project.Name, s.Name)
}

// isMember tells the services that form a quorum.
func isMember(s types.ServiceConfig) bool { return s.Labels[RoleLabel] == Member }

// labels are those that Compose gives a container, and the service's own.
func (w Wanted) labels(s types.ServiceConfig) (map[string]string, error) {
	h, err := serviceHash(s)
	if err != nil {
		return nil, err
	}
	labels := maps.Clone(map[string]string(s.Labels))
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, w.Labels)
	maps.Copy(labels, map[string]string{
		projectLabel:     w.Project.Name,
		serviceLabel:     s.Name,
		numberLabel:      "1",
		oneoffLabel:      "False",
		versionLabel:     composeVersion,
		workingDirLabel:  w.Project.WorkingDir,
		configFilesLabel: w.configFiles(),
		configHashLabel:  h,
		imageLabel:       w.Images[s.Image],
		dependsOnLabel:   dependencies(s),
	})
	if !w.CopyFiles {
		return labels, nil
	}
	labels[copiesLabel], err = copiesHash(s)
	return labels, err
}

func (w Wanted) configFiles() string {
	var files []string
	for _, f := range w.Project.ComposeFiles {
		if !filepath.IsAbs(f) {
			f = filepath.Join(w.Project.WorkingDir, f)
		}
		files = append(files, f)
	}
	return strings.Join(files, ",")
}

// dependencies writes depends_on as Compose does into a label:
// service:condition:restart.
func dependencies(s types.ServiceConfig) string {
	var deps []string
	for _, name := range slices.Sorted(maps.Keys(s.DependsOn)) {
		d := s.DependsOn[name]
		deps = append(deps, fmt.Sprintf("%s:%s:%t", name, d.Condition, d.Restart))
	}
	return strings.Join(deps, ",")
}

// protects tells of an external volume that it is the stack's all the same, and made
// for it: it has the name that Compose would give it. Any other is somebody else's.
func (w Wanted) protects(key string) bool {
	return w.Own && w.Project.Volumes[key].Name == w.Project.Name+"_"+key
}

// protectedLabels are those of a volume that Docker Compose is not to delete.
func (w Wanted) protectedLabels(key string) map[string]string {
	return map[string]string{protectedLabel: w.Project.Name, protectedKeyLabel: key, ownLabel: "true", FolderLabel: w.Project.WorkingDir}
}

// objectLabels are those of a network or a volume.
func (w Wanted) objectLabels(own types.Labels, kind, key, hash string) map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, own)
	maps.Copy(labels, map[string]string{
		projectLabel: w.Project.Name, kind: key, versionLabel: composeVersion, configHashLabel: hash,
	})
	if w.Own {
		labels[ownLabel] = "true"
	}
	if w.Own && kind == volumeLabel { // which outlives the containers, that tell it else
		labels[FolderLabel] = w.Project.WorkingDir
	}
	return labels
}
