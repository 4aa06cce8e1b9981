//go:build unix

package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/etcdctr/etcdctr/internal/pages"
)

// picture is the terminal that the README shows.
const picture = "../../docs/images/terminal.svg"

// session is what is typed in it.
var session = []string{
	"etcdctr up --progress quiet",
	"etcdctr health",
	"etcdctr etcdctl put greeting hello",
	"etcdctr down --volumes --yes --progress quiet",
}

// TestThePictureIsOfWhatIsPrinted types the session and compares the picture with
// what comes out, but for what differs each time. With -update it draws it anew.
func TestThePictureIsOfWhatIsPrinted(t *testing.T) {
	dir, env := t.TempDir(), pageEnvironment(t)
	t.Cleanup(func() { endProcessesOf(t, dir) })
	if err := os.WriteFile(dir+"/etcdctr.yaml", []byte("runtime: process\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var printed []string
	for _, command := range session {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		printed = append(printed, "$ "+command)
		printed = append(printed, strings.Split(strings.TrimRight(string(out), "\n"), "\n")...)
	}
	if *update {
		if err := os.WriteFile(picture, []byte(draw(printed)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shown, err := linesOf(picture)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(printed, "\n"); !pages.Prints(shown, got) {
		t.Errorf("%s shows\n%s\nand the commands print\n%s\n(`make docs` draws it anew)", picture, shown, got)
	}
}

// draw makes a terminal of lines.
func draw(lines []string) string {
	const margin, advance, column = 16, 19, 7.83
	longest := 0
	for _, l := range lines {
		longest = max(longest, utf8.RuneCountInString(l))
	}
	width, height := int(float64(longest)*column)+2*margin, len(lines)*advance+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>etcdctr starts an etcd cluster, says that it is well, writes, and takes it down</title>
<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d0d7de;white-space:pre}.typed{fill:#fff;font-weight:bold}.said{fill:#8b949e}</style>
<rect width="100%%" height="100%%" rx="8" fill="#161b22"/>
`, width, height)
	for i, l := range lines {
		class := ""
		switch {
		case strings.HasPrefix(l, "$ "):
			class = ` class="typed"`
		case strings.HasPrefix(l, "etcdctr: "):
			class = ` class="said"`
		}
		fmt.Fprintf(&b, "<text xml:space=\"preserve\" x=\"%d\" y=\"%d\"%s>", margin, margin+advance*i+advance/2+4, class)
		_ = xml.EscapeText(&b, []byte(l)) // a Builder takes everything
		b.WriteString("</text>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// linesOf reads what a picture shows.
func linesOf(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var svg struct {
		Lines []string `xml:"text"`
	}
	err = xml.Unmarshal(text, &svg)
	return strings.Join(svg.Lines, "\n"), err
}
