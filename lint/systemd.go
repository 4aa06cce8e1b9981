package lint

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/mattn/go-shellwords"
)

// ownMark is in the units that etcdctr makes.
const ownMark = "Made by etcdctr."

// directive is one line of a unit, with those that continue it.
type directive struct {
	section, key, value string
	at                  Place
}

func readUnit(name string, data []byte) []directive {
	var out []directive
	section := ""
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		text, number := strings.TrimSpace(lines[i]), i+1
		for strings.HasSuffix(text, `\`) && i+1 < len(lines) {
			i++
			text = strings.TrimSuffix(text, `\`) + " " + strings.TrimSpace(lines[i])
		}
		switch key, val, ok := strings.Cut(text, "="); {
		case text == "" || text[0] == '#' || text[0] == ';':
		case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"):
			section = strings.Trim(text, "[]")
		case ok:
			out = append(out, directive{section, strings.TrimSpace(key), strings.TrimSpace(val), Place{name, number, 1}})
		}
	}
	return out
}

// specifier matches what systemd fills in, such as %i, and execPrefix what may
// stand before a program.
var (
	specifier  = regexp.MustCompile(`%([A-Za-z])`)
	execPrefix = regexp.MustCompile(`^[-@:+!|]+`)
)

// unit reads a systemd unit that runs etcd.
func (r *reader) unit(name string, data []byte) error {
	s := r.shared(Systemd, name)
	var run *invocation
	var vars []*variable
	home := ""
	at := Place{name, 1, 1}
	for _, d := range readUnit(name, data) {
		if d.section != "Service" {
			continue
		}
		d.value = specifier.ReplaceAllString(d.value, "$$$1")
		switch d.key {
		case "ExecStart":
			if found := etcdOf(d); found != nil {
				run, at = found, d.at
			}
		case "Environment":
			vars = append(vars, environmentOf(d)...)
		case "EnvironmentFile":
			vars = append(vars, r.unitEnvironment(s, name, d)...)
		case "WorkingDirectory":
			home = d.value
		}
	}
	if run == nil {
		return nil
	}
	m := process(strings.TrimSuffix(filepath.Base(name), ".service"), at, *run, vars)
	m.Home = home
	m.Ours = m.Ours || bytes.Contains(data, []byte(ownMark))
	r.fromConfigFile(s, m, "")
	s.Members = append(s.Members, m)
	return nil
}

func etcdOf(d directive) *invocation {
	words, err := shellwords.Parse(execPrefix.ReplaceAllString(d.value, ""))
	if err != nil {
		return nil
	}
	var line []word
	for _, w := range words {
		line = append(line, word{w, d.at})
	}
	for _, one := range invocations(line) {
		if isRunOfEtcd(&one) {
			return &one
		}
	}
	return nil
}

func environmentOf(d directive) []*variable {
	words, err := shellwords.Parse(d.value)
	if err != nil {
		return nil
	}
	var out []*variable
	for _, w := range words {
		name, val, set := strings.Cut(w, "=")
		out = append(out, &variable{name: name, value: val, set: set, at: d.at})
	}
	return out
}

// unitEnvironment reads the environment file of a unit: where the unit says, or
// beside the unit, from where it is yet to be carried to the machine.
func (r *reader) unitEnvironment(s *Stack, unit string, d directive) []*variable {
	file, optional := strings.CutPrefix(d.value, "-")
	beside := filepath.Join(filepath.Dir(unit), filepath.Base(file))
	for _, candidate := range []string{beside, file} {
		vars, err := r.envFile(candidate)
		if err == nil {
			r.used[candidate] = true
			return vars
		}
		if !errors.Is(err, fs.ErrNotExist) {
			s.Unread = append(s.Unread, fmt.Errorf("%s: %w", d.at, err))
			return nil
		}
	}
	if !optional {
		s.Unread = append(s.Unread, fmt.Errorf("%s: %s is neither there nor beside the unit: what it says was not judged", d.at, file))
	}
	return nil
}
