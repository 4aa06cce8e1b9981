package lint

import "strings"

// adding are the keys of a service whose values in several files add up, as
// the Compose specification has it; the others replace or, if they are
// mappings, merge.
var adding = map[string]bool{
	"annotations": true, "cap_add": true, "cap_drop": true, "configs": true, "depends_on": true, "devices": true,
	"dns": true, "dns_search": true, "env_file": true, "environment": true, "expose": true, "extra_hosts": true,
	"labels": true, "links": true, "networks": true, "ports": true, "secrets": true, "security_opt": true,
	"sysctls": true, "tmpfs": true, "ulimits": true, "volumes": true,
}

// overlay gives what two files make together, over winning. path is where the
// two values are, with any service as services.*.
func overlay(path string, under, over *value) *value {
	switch {
	case under == nil || over != nil && over.tag == "!override":
		return over
	case over != nil && over.tag == "!reset":
		return &value{at: over.at}
	case over == nil || over.kind == null && over.layers == nil:
		return under
	case addsUp(path):
		return &value{at: over.at, layers: append(append([]*value{}, under.parts()...), over.parts()...)}
	case under.kind == mapping && over.kind == mapping:
		return mergeKeys(path, under, over)
	}
	return over
}

func mergeKeys(path string, under, over *value) *value {
	// What is written in the upper file is where edits go.
	merged := &value{kind: mapping, at: over.at, doc: over.doc, node: over.node}
	seen := map[string]bool{}
	for _, e := range under.entries {
		seen[e.key] = true
		if o, ok := over.find(e.key); ok {
			o.value = overlay(inner(path, e.key), e.value, o.value)
			if path == "services" {
				e.value = o.value // a service stands where it is begun
			} else {
				e = o
			}
		}
		merged.entries = append(merged.entries, e)
	}
	for _, e := range over.entries {
		if !seen[e.key] {
			merged.entries = append(merged.entries, e)
		}
	}
	return merged
}

func inner(path, key string) string {
	switch path {
	case "":
		return key
	case "services":
		return "services.*"
	}
	return path + "." + key
}

func addsUp(path string) bool {
	key, ok := strings.CutPrefix(path, "services.*.")
	return ok && adding[key]
}
