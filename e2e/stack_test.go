//go:build e2e

package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/testcontainers/testcontainers-go"

	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
)

// TestMain is a program of its own if it is told to be one, see envProgram.
// Otherwise it removes the images that the run made, and wants nothing else of it
// to be left on the engine, whether its tests passed or failed.
func TestMain(m *testing.M) {
	if os.Getenv(envProgram) != "" {
		if err := programMain(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	defaults = []Option{WithContainer(testcontainers.WithImageSubstitutors(ownImages{}))}
	code := m.Run()
	err := errors.Join(removeImages(), nothingLeft(namePrefix+"-"+processID))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func removeImages() error {
	var errs []error
	for _, ref := range madeImages() {
		_, err := output(exec.Command("docker", "rmi", "--force", ref), "")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// nothingLeft is an error that names the containers, networks, volumes and
// images whose names begin so.
func nothingLeft(prefix string) error {
	var errs []error
	for what, list := range map[string][]string{
		"containers": {"ps", "--all", "--format", "{{.Names}}"},
		"networks":   {"network", "ls", "--format", "{{.Name}}"},
		"volumes":    {"volume", "ls", "--format", "{{.Name}}"},
		"images":     {"images", "--format", "{{.Repository}}:{{.Tag}}"},
	} {
		names, err := output(exec.Command("docker", list...), "")
		errs = append(errs, err)
		for name := range strings.Lines(names) {
			if strings.HasPrefix(name, prefix) {
				errs = append(errs, fmt.Errorf("%s: %s was left behind", what, strings.TrimSpace(name)))
			}
		}
	}
	return errors.Join(errs...)
}

// images are those that the run made, by what is in them.
var images struct {
	sync.Mutex
	made map[string]string
}

func madeImages() []string {
	images.Lock()
	defer images.Unlock()
	return slices.Collect(maps.Values(images.made))
}

// ownImages has the fixture take the suite's images for the official ones,
// which cannot be pulled where there is no registry.
type ownImages struct{}

func (ownImages) Description() string { return "the suite's own images" }

func (ownImages) Substitute(reference string) (string, error) {
	if reference == cluster.DefaultDNSImage {
		return buildDNSImage()
	}
	for minor, release := range cluster.KnownPatches {
		if reference == "gcr.io/etcd-development/etcd:"+release.String() {
			return buildEtcdImage(minor)
		}
	}
	return reference, nil
}

// etcdImage gives an image of a minor's release with the layout of the official
// one: the three programs, no shell, nothing else. Its tag names the release.
func etcdImage(t *testing.T, minor int) string {
	t.Helper()
	return must(t, func() (string, error) { return buildEtcdImage(minor) })
}

// dnsImage gives an image of CoreDNS with the layout of the official one.
func dnsImage(t *testing.T) string {
	t.Helper()
	return must(t, buildDNSImage)
}

func must(t *testing.T, build func() (string, error)) string {
	t.Helper()
	ref, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func buildEtcdImage(minor int) (string, error) { return buildEtcdImageAs("etcd", minor, "") }

// buildEtcdImageAs builds it with one thing more.
func buildEtcdImageAs(name string, minor int, more string) (string, error) {
	var programs []string
	for _, name := range []string{"etcd", "etcdctl", "etcdutl"} {
		programs = append(programs, filepath.Join(os.Getenv(envEtcd), fmt.Sprintf("3.%d", minor), name))
	}
	return build(name+":"+cluster.KnownPatches[minor].String(), `FROM scratch
COPY etcd etcdctl etcdutl /usr/local/bin/
ENV PATH=/usr/local/bin
WORKDIR /var/lib/etcd
EXPOSE 2379 2380
CMD ["/usr/local/bin/etcd"]
`+more, programs...)
}

func buildDNSImage() (string, error) {
	program, err := exec.LookPath("coredns")
	if err != nil {
		return "", fmt.Errorf("%w: run the suite with `make smoke` or `make e2e`", err)
	}
	return build("coredns:v1", `FROM scratch
COPY coredns /coredns
EXPOSE 53 53/udp
ENTRYPOINT ["/coredns"]
`, program)
}

// build makes an image of some programs, once in a run.
func build(name, dockerfile string, programs ...string) (string, error) {
	images.Lock()
	defer images.Unlock()
	if ref, ok := images.made[name]; ok {
		return ref, nil
	}
	dir, err := os.MkdirTemp("", namePrefix+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	errs := []error{os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o644)}
	for _, program := range programs {
		errs = append(errs, copyProgram(program, filepath.Join(dir, filepath.Base(program))))
	}
	if err := errors.Join(errs...); err != nil {
		return "", fmt.Errorf("%w: run the suite with `make smoke` or `make e2e`", err)
	}
	ref := fmt.Sprintf("%s-%s/%s", namePrefix, processID, name)
	if _, err := output(exec.Command("docker", "build", "--quiet", "--tag", ref, "."), dir); err != nil {
		return "", err
	}
	if images.made == nil {
		images.made = map[string]string{}
	}
	images.made[name] = ref
	return ref, nil
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := copyProgram(from, to); err != nil {
		t.Fatal(err)
	}
}

func copyProgram(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs a program in dir, wants it to succeed and gives its standard output.
func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	out, err := try(t, dir, program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v", program, strings.Join(args, " "), err)
	}
	return out
}

// try runs a program in dir and gives its standard output; the error carries
// what it said on standard error.
func try(t *testing.T, dir, program string, args ...string) (string, error) {
	t.Helper()
	return output(exec.CommandContext(t.Context(), program, args...), dir)
}

func output(cmd *exec.Cmd, dir string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%w\n%s%s", err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// stack is a folder with a Compose file from `etcdctr compose`, and what
// becomes of it.
type stack struct {
	t    *testing.T
	dir  string
	name string
	ref  string // the members' image
}

// newStack makes an empty folder for a stack and sees to it that nothing of
// the stack stays.
func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{t: t, dir: t.TempDir(), name: uniqueName(namePrefix), ref: etcdImage(t, cluster.NewestMinor)}
	t.Cleanup(s.remove)
	return s
}

// remove takes the stack down, after it has shown the logs of one that failed.
func (s *stack) remove() {
	if s.t.Failed() {
		logs, err := s.clean("logs", "--no-color", "--tail", "40")
		s.t.Log(logs, err)
	}
	if _, err := s.clean("down", "--volumes", "--remove-orphans", "--timeout", "0"); err != nil {
		s.t.Errorf("the stack is not removed: %v", err)
	}
}

// clean runs Compose on what the engine has of the stack, whoever started it
// and whatever its folder holds by now. The test's own context has ended.
func (s *stack) clean(args ...string) (string, error) {
	return output(exec.Command("docker-compose", append([]string{"--project-name", s.name}, args...)...), os.TempDir())
}

// generate runs `etcdctr compose > docker-compose.yml`, as a user would.
func (s *stack) generate(flags ...string) {
	s.t.Helper()
	writeFile(s.t, filepath.Join(s.dir, "docker-compose.yml"), s.etcdctr("compose", flags...))
}

// etcdctr runs a command on the stack, wants it to succeed and gives its
// output.
func (s *stack) etcdctr(command string, args ...string) string {
	s.t.Helper()
	out, err := s.tryEtcdctr(command, args...)
	if err != nil {
		s.t.Fatalf("etcdctr %s %s: %v", command, strings.Join(args, " "), err)
	}
	return out
}

func (s *stack) tryEtcdctr(command string, args ...string) (string, error) {
	s.t.Helper()
	return output(s.command(command, args...), s.dir)
}

// command is a command line on the stack that has not begun.
func (s *stack) command(command string, args ...string) *exec.Cmd {
	s.t.Helper()
	flags := []string{command, "--name", s.name}
	if slices.Contains([]string{"bundle", "compose", "env", "recover", "restore", "up", "verify"}, command) {
		flags = append(flags, "--image", s.ref) // the others find it
	}
	return exec.CommandContext(s.t.Context(), etcdctrBinary(s.t), append(flags, args...)...)
}

// compose runs the Compose plugin on the stack, with its file if there is one.
func (s *stack) compose(args ...string) string {
	s.t.Helper()
	return run(s.t, s.dir, "docker-compose", append([]string{"--project-name", s.name}, args...)...)
}

// up starts the stack and waits until Compose calls every member healthy.
func (s *stack) up() {
	s.t.Helper()
	s.compose("up", "--detach", "--wait", "--wait-timeout", "60")
}

// etcdctl runs etcdctl in a member's container, without a flag of TLS.
func (s *stack) etcdctl(member string, args ...string) string {
	s.t.Helper()
	return s.compose(append([]string{"exec", "-T", member, "etcdctl"}, args...)...)
}

// wantMembers wants one cluster of n members, all of them healthy.
func (s *stack) wantMembers(n int) {
	s.t.Helper()
	var list struct{ Members []struct{ Name string } }
	decode(s.t, s.etcdctl("etcd1", "member", "list", "--write-out", "json"), &list)
	if len(list.Members) != n {
		s.t.Errorf("got %d members, want %d: %v", len(list.Members), n, list.Members)
	}
	var health []struct {
		Endpoint string
		Health   bool
	}
	decode(s.t, s.etcdctl("etcd1", "endpoint", "health", "--cluster", "--write-out", "json"), &health)
	if len(health) != n {
		s.t.Errorf("got %d endpoints, want %d: %v", len(health), n, health)
	}
	for _, h := range health {
		if !h.Health {
			s.t.Errorf("%s is not healthy", h.Endpoint)
		}
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
}

// inspected is what the engine tells of a container.
type inspected struct {
	Config     struct{ Env []string }
	HostConfig struct {
		PortBindings map[string][]struct{ HostIp, HostPort string } //nolint:revive // the engine's spelling
	}
	NetworkSettings struct {
		Ports    map[string][]struct{ HostIp, HostPort string } //nolint:revive // the engine's spelling
		Networks map[string]struct{ IPAddress string }
	}
}

// inspect asks the engine about a member's container.
func (s *stack) inspect(member string) inspected {
	s.t.Helper()
	id := strings.TrimSpace(s.compose("ps", "--quiet", member))
	var found []inspected
	decode(s.t, run(s.t, s.dir, "docker", "inspect", id), &found)
	return found[0]
}

// address is a member's address on the stack's own network, which on a Linux
// host the host itself can dial.
func (s *stack) address(member string) string {
	s.t.Helper()
	return s.inspect(member).NetworkSettings.Networks[compose.NetworkOf(s.name)].IPAddress
}

// clientTLS is what a client needs that has an identity of the stack's PKI,
// such as "clients/root".
func (s *stack) clientTLS(identity string) *tls.Config {
	s.t.Helper()
	dir := filepath.Join(s.dir, "certs", filepath.FromSlash(identity))
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	return &tls.Config{RootCAs: s.authority(dir), Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

func (s *stack) authority(dir string) *x509.CertPool {
	s.t.Helper()
	pem, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		s.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		s.t.Fatalf("no certificate in %s/ca.crt", dir)
	}
	return pool
}
