package stack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

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
	data, err := json.Marshal(s)
	if err == nil {
		data, err = inOrderOf(hashOrder, data)
	}
	if err != nil {
		return "", fmt.Errorf("hash the service %s: %w", s.Name, err)
	}
	return sum(data), nil
}

// copiesHash is serviceHash but for where the files are that are copied.
func copiesHash(s types.ServiceConfig) (string, error) {
	s.Volumes = slices.Clone(s.Volumes)
	for i, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind && v.ReadOnly {
			s.Volumes[i].Source = ""
		}
	}
	return serviceHash(s)
}

// hashOrder is the order of a service's keys that the hashes are made of: that of
// compose-go before v2.16, which moved fields into embedded structs. Compose has kept
// it, so that nobody's containers are recreated by an upgrade of Compose
// (internal/confighash of github.com/docker/compose from v5.7 on).
var hashOrder = []string{
	"profiles", "annotations", "attach", "build", "develop", "blkio_config", "cap_add", "cap_drop", "cgroup_parent",
	"cgroup", "cpu_count", "cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpus",
	"cpuset", "cpu_shares", "command", "configs", "container_name", "credential_spec", "depends_on", "deploy",
	"device_cgroup_rules", "devices", "dns", "dns_opt", "dns_search", "dockerfile", "domainname", "entrypoint",
	"provider", "environment", "env_file", "expose", "extends", "external_links", "extra_hosts", "group_add", "gpus",
	"hostname", "healthcheck", "image", "init", "ipc", "isolation", "labels", "label_file", "links", "logging",
	"log_driver", "log_opt", "mem_limit", "mem_reservation", "memswap_limit", "mem_swappiness", "mac_address", "models",
	"net", "network_mode", "networks", "oom_kill_disable", "oom_score_adj", "pid", "pids_limit", "platform", "ports",
	"privileged", "pull_policy", "read_only", "restart", "runtime", "scale", "secrets", "security_opt", "shm_size",
	"stdin_open", "stop_grace_period", "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty", "ulimits",
	"use_api_socket", "user", "userns_mode", "uts", "volume_driver", "volumes", "volumes_from", "working_dir",
	"pre_start", "post_start", "pre_stop",
}

// inOrderOf writes a JSON object anew, with its keys in an order; those that are not
// in it come last, as they were sorted by JSON.
func inOrderOf(order []string, object []byte) ([]byte, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(object, &values); err != nil {
		return nil, err
	}
	keys := slices.DeleteFunc(slices.Clone(order), func(key string) bool { return values[key] == nil })
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(order, key) {
			keys = append(keys, key)
		}
	}
	var b bytes.Buffer
	for i, key := range keys {
		b.WriteByte("{,"[min(i, 1)])
		fmt.Fprintf(&b, "%q:%s", key, values[key])
	}
	b.WriteByte('}')
	return b.Bytes(), nil
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
	return sum(data), nil
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
