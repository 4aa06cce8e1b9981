package lint

import (
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

// procfileLine is how foreman and those like it read a line.
var procfileLine = regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.+)$`)

// procfile reads the lines of a Procfile that run etcd. Its process manager
// reads the .env beside it, too.
func (r *reader) procfile(name string, data []byte) error {
	s := r.shared(Procfile, name)
	inherited, err := r.envFile(filepath.Join(filepath.Dir(name), ".env"))
	if err != nil {
		inherited = nil
	}
	for i, text := range strings.Split(string(data), "\n") {
		m := procfileLine.FindStringSubmatchIndex(strings.TrimSuffix(text, "\r"))
		if m == nil {
			continue
		}
		service, command := text[m[2]:m[3]], text[m[4]:m[5]]
		at := Place{name, i + 1, utf8.RuneCountInString(text[:m[4]]) + 1}
		for _, run := range script(word{command, at}, deepestShell) {
			if !isRunOfEtcd(&run) {
				continue
			}
			member := process(service, Place{name, i + 1, 1}, run, inherited)
			onLine(member, text, i+1)
			r.fromConfigFile(s, member, filepath.Dir(name))
			s.Members = append(s.Members, member)
		}
	}
	return nil
}

// process is a member that is a process of a machine.
func process(service string, at Place, run invocation, inherited []*variable) *Member {
	m := &Member{Service: service, At: at, Ours: run.ours}
	m.Settings = readFlags(run.arguments, func(_ string, at Place) Place { return at })
	m.Settings = append(m.Settings, readVariables(append(append([]*variable{}, inherited...), run.variables...), other)...)
	return m
}

// onLine finds the settings of a member in the line that they are written in.
func onLine(m *Member, text string, number int) {
	for i := range m.Settings {
		s := &m.Settings[i]
		if s.At.File != m.At.File || s.At.Line != number {
			continue
		}
		if at := strings.Index(text, s.Written); at >= 0 {
			s.At.Column = utf8.RuneCountInString(text[:at]) + 1
		}
		s.entry = nil // a line of a shell is not edited
	}
}
