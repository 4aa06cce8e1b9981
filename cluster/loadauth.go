package cluster

import (
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// This file reads the users and roles of a cluster file.

// list calls visit for each item of a list; null counts as an empty one.
func (l *loader) list(at string, n *yaml.Node, like string, visit func(at string, item *yaml.Node)) {
	n = resolveAlias(n)
	switch {
	case n != nil && isNull(n):
	case n == nil || n.Kind != yaml.SequenceNode:
		l.report(at, orEmpty(n), "must be a list, like `%s`", like)
	default:
		for i, item := range n.Content {
			itemAt := fmt.Sprintf("%s[%d]", at, i)
			l.lines[itemAt] = item.Line
			visit(itemAt, item)
		}
	}
}

// named calls visit for each key of a mapping; null counts as an empty one.
func (l *loader) named(at string, n *yaml.Node, visit func(name, at string, v *yaml.Node)) {
	if r := resolveAlias(n); r != nil && isNull(r) {
		return
	}
	l.mapping(at, n, func(name, at string, _, v *yaml.Node) { visit(name, at, v) })
}

func (l *loader) roles(at string, n *yaml.Node, into *[]RoleSpec) {
	l.named(at, n, func(name, at string, v *yaml.Node) {
		role := RoleSpec{Name: name}
		l.list(at, v, "- {prefix: /orders/, access: readwrite}", func(at string, item *yaml.Node) {
			var p PermissionSpec
			l.structure(at, item, reflect.ValueOf(&p).Elem())
			role.Permissions = append(role.Permissions, p)
		})
		*into = append(*into, role)
	})
}

// users reads each as its roles, or as keys.
func (l *loader) users(at string, n *yaml.Node, into *[]UserSpec) {
	l.named(at, n, func(name, at string, v *yaml.Node) {
		user := UserSpec{Name: name}
		if r := resolveAlias(v); r != nil && r.Kind == yaml.MappingNode {
			l.structure(at, v, reflect.ValueOf(&user).Elem())
		} else {
			l.list(at, v, "[one, other]", func(at string, item *yaml.Node) { user.Roles = append(user.Roles, l.scalar(at, item)) })
		}
		*into = append(*into, user)
	})
}
