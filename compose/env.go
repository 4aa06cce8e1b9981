package compose

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/internal/shellword"
)

// EnvFileName is the name of a member's environment file.
func EnvFileName(m cluster.Member) string { return m.Name + ".env" }

// EnvFile gives a member's environment as a file that Compose's env_file
// reads: NAME=value, quoted where a value needs it.
func EnvFile(m cluster.Member) []byte {
	return lines(m.Variables(), func(v cluster.Variable) string { return v.Name + "=" + quoteEnv(v.Value) })
}

// ShellFile gives a member's environment as commands for a POSIX shell.
func ShellFile(m cluster.Member) []byte { return Shell(m.Variables()) }

// Shell gives variables as commands for a POSIX shell.
func Shell(vars []cluster.Variable) []byte {
	return lines(vars, func(v cluster.Variable) string { return "export " + v.Name + "=" + QuoteShell(v.Value) })
}

func lines(vars []cluster.Variable, line func(cluster.Variable) string) []byte {
	var b strings.Builder
	for _, v := range vars {
		fmt.Fprintln(&b, line(v))
	}
	return []byte(b.String())
}

// plain values mean the same to every reader without quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+\[\]-]+$`)

// envEscapes are what Compose's reader undoes between double quotes. A dollar
// sign would begin a variable.
var envEscapes = strings.NewReplacer(
	`\`, `\\`, `"`, `\"`, "$", `\$`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

func quoteEnv(value string) string {
	if plain.MatchString(value) {
		return value
	}
	return `"` + envEscapes.Replace(value) + `"`
}

// QuoteShell writes a value as one word for a POSIX shell.
func QuoteShell(value string) string { return shellword.Quote(value) }
