package lint

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// inspected reads what `docker inspect` or `podman inspect` prints: one
// container, or a list of them.
func (r *reader) inspected(name string, data []byte, live bool) error {
	root, err := parseJSON(name, data)
	if err != nil {
		return err
	}
	items := root.items
	if root.kind == mapping {
		items = []*value{root}
	}
	s := r.shared(Containers, name)
	for _, v := range items {
		if v.get("Config").kind != mapping {
			return fmt.Errorf("%s: is no container that was inspected: it has no Config", v.at)
		}
		if live {
			v.standIn(Place{File: bareName(v)})
		}
		c := inspectedContainer(v)
		s.Containers = append(s.Containers, c)
		if m, ok := memberIn(c); ok {
			r.fromConfigFile(s, m, ".")
			s.Members = append(s.Members, m)
		}
	}
	return nil
}

// bareName is a container's name as people write it.
func bareName(v *value) string { return strings.TrimPrefix(v.get("Name").text, "/") }

// standIn has a value and all in it stand in one place.
func (v *value) standIn(p Place) {
	v.at = p
	for _, item := range v.items {
		item.standIn(p)
	}
	for i := range v.entries {
		v.entries[i].at = p
		v.entries[i].value.standIn(p)
	}
}

func inspectedContainer(v *value) *Container {
	config, host := v.get("Config"), v.get("HostConfig")
	labels := pairs(config.get("Labels"))
	name := bareName(v)
	c := &Container{
		Service: cmp.Or(labels["com.docker.compose.service"], name), ContainerName: name, At: v.at,
		Hostname:    config.get("Hostname").text,
		Image:       cmp.Or(v.get("ImageName").text, config.get("Image").text), // podman's name for it comes first
		Labels:      labels,
		User:        config.get("User").text,
		WorkingDir:  cmp.Or(config.get("WorkingDir").text, "/"), // an engine has put the image's there
		Restart:     host.get("RestartPolicy", "Name").text,
		LogDriver:   host.get("LogConfig", "Type").text,
		LogOptions:  pairs(host.get("LogConfig", "Config")),
		ReadOnly:    host.get("ReadonlyRootfs").truth(),
		CapDrop:     host.get("CapDrop").words(),
		SecurityOpt: host.get("SecurityOpt").words(),
		NetworkMode: host.get("NetworkMode").text,
		Health:      inspectedHealth(config),
		Ports:       inspectedPorts(host.get("PortBindings")),
		Mounts:      inspectedMounts(v),
	}
	c.image = readImage(c.Image)
	if state := v.get("State"); state.get("ExitCode").text == "1" {
		c.failed = slices.Contains([]string{"exited", "restarting", "dead"}, state.get("Status").text)
	}
	c.Entrypoint, _ = commandLine(config.get("Entrypoint"))
	c.Command, _ = commandLine(config.get("Cmd"))
	for _, item := range config.get("Env").items {
		n, val, set := strings.Cut(item.text, "=")
		c.Variables = append(c.Variables, &variable{name: n, value: val, set: set, at: item.at})
	}
	c.Names = []string{c.Service, name}
	if c.Hostname != "" {
		c.Names = append(c.Names, c.Hostname)
	}
	for _, n := range v.get("NetworkSettings", "Networks").entries {
		c.Networks = append(c.Networks, n.key)
		c.Names = append(c.Names, n.value.get("Aliases").words()...)
		if ip := n.value.get("IPAddress").text; ip != "" {
			c.Names = append(c.Names, ip)
		}
	}
	return c
}

func inspectedHealth(config *value) health {
	for _, key := range []string{"Healthcheck", "HealthCheck"} {
		if h := config.get(key); h.kind == mapping {
			test := h.get("Test").words()
			return health{test: test, given: len(test) > 0, disabled: len(test) > 0 && test[0] == "NONE", at: h.at}
		}
	}
	return health{}
}

func inspectedPorts(bindings *value) []port {
	var out []port
	for _, e := range bindings.entries {
		number, _, _ := strings.Cut(e.key, "/")
		target, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		for _, b := range e.value.items {
			out = append(out, port{hostIP: b.get("HostIp").text, published: b.get("HostPort").text, target: target, at: e.at})
		}
	}
	return out
}

func inspectedMounts(v *value) []mount {
	var out []mount
	for _, m := range v.get("Mounts").items {
		source := m.get("Source").text
		if m.get("Type").text == "volume" {
			source = cmp.Or(m.get("Name").text, source)
		}
		out = append(out, mount{
			kind: m.get("Type").text, source: source, target: path.Clean(m.get("Destination").text),
			readOnly: m.get("RW").text == "false", at: m.at,
		})
	}
	for _, e := range v.get("HostConfig", "Tmpfs").entries {
		out = append(out, mount{kind: "tmpfs", target: path.Clean(e.key), at: e.at})
	}
	return out
}
