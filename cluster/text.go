package cluster

import (
	"reflect"

	"go.yaml.in/yaml/v3"
)

// Text gives the spec as a cluster file that Load reads the same spec from: what
// it does not say is left out, keys are in the order of Spec's fields.
func (s Spec) Text() string {
	doc := mappingOf(reflect.ValueOf(s))
	if len(doc.Content) == 0 {
		return ""
	}
	text, err := yaml.Marshal(doc)
	if err != nil {
		panic(err) // scalars, lists and mappings can be written
	}
	return string(text)
}

func mappingOf(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("key")
		if key == "" || v.Field(i).IsZero() {
			continue
		}
		n.Content = append(n.Content, scalarOf(key), nodeOf(v.Field(i)))
	}
	return n
}

func nodeOf(v reflect.Value) *yaml.Node {
	switch value := v.Interface().(type) {
	case Members:
		return membersOf(value)
	case BackupSpec, KeepSpec, CertsSpec:
		return mappingOf(v)
	case map[string]string:
		n := &yaml.Node{}
		_ = n.Encode(value) // strings can be encoded, and are sorted by key
		return n
	case *AuthSpec:
		return mappingOf(reflect.ValueOf(*value))
	case []RoleSpec:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, role := range value {
			n.Content = append(n.Content, scalarOf(role.Name), listOf(role.Permissions))
		}
		return n
	case []UserSpec:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, user := range value {
			n.Content = append(n.Content, scalarOf(user.Name), mappingOf(reflect.ValueOf(user)))
		}
		return n
	case []string:
		n := &yaml.Node{}
		_ = n.Encode(value)
		return n
	case *string:
		return scalarOf(*value)
	}
	return scalarOf(v.String())
}

func membersOf(m Members) *yaml.Node {
	if len(m.List) == 0 {
		n := &yaml.Node{}
		_ = n.Encode(m.Count)
		return n
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, one := range m.List {
		list.Content = append(list.Content, mappingOf(reflect.ValueOf(one)))
	}
	return list
}

func listOf(permissions []PermissionSpec) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, one := range permissions {
		list.Content = append(list.Content, mappingOf(reflect.ValueOf(one)))
	}
	return list
}

func scalarOf(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
}
