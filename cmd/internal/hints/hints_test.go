package hints_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/cmd/internal/hints"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/internal/option"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtime/docker/engine"
	"github.com/etcdctr/etcdctr/runtime/local"
	"github.com/etcdctr/etcdctr/runtime/swarm"
)

func TestAdviceIsForTheCommandThatIsRun(t *testing.T) {
	nobody := fmt.Errorf("orders: %w", backup.ErrNobody)
	for command, want := range map[string]string{"backup": "--data-dir takes", "recover": "--backups names", "backup list": "", "up": ""} {
		if hint := hints.Of(hints.For(command, nobody)); hint == "" != (want == "") || !strings.Contains(hint, want) {
			t.Errorf("%s says %q, not %q", command, hint, want)
		}
	}
}

func TestWhatIsSaidAlreadyStays(t *testing.T) {
	err := hints.With(backup.ErrNobody, "as %s says", "somebody")
	if got := hints.For("backup", err); hints.Of(got) != "as somebody says" || !errors.Is(got, backup.ErrNobody) {
		t.Errorf("it is %q of %v", hints.Of(got), got)
	}
	if hints.For("backup", nil) != nil || hints.With(nil, "nothing") != nil || hints.Usage(nil) != nil {
		t.Error("nothing went wrong, and something is said")
	}
}

// An etcd of another release that somebody has named is a wrong question, and one that
// this program has is none.
func TestOneTypeMayBeTwoMistakes(t *testing.T) {
	for path, wrong := range map[string]bool{"/opt/etcd": true, "": false} {
		err := hints.For("up", &local.OtherReleaseError{Path: path})
		if hints.IsUsage(err) != wrong || hints.Of(err) == "" {
			t.Errorf("%q: usage %t, hint %q", path, hints.IsUsage(err), hints.Of(err))
		}
	}
}

// A member whose machine was away is started again with it.
func TestDownSaysThatAMemberComesBackWithItsMachine(t *testing.T) {
	away := &runtime.AwayError{Server: "etcd1", Machine: "ssh://root@192.0.2.1", Err: errors.New("no route to host")}
	for kind, again := range map[converge.Kind]string{converge.Remove: "`etcdctr down`", converge.Delete: "`etcdctr down --volumes`"} {
		err := hints.For("down", &converge.StepError{Step: converge.Step{Kind: kind}, Err: away})
		if hint := hints.Of(err); !strings.Contains(hint, "comes back with its machine, and takes "+again+" again") {
			t.Errorf("%s: the hint is %s", kind, hint)
		}
	}
}

// What an engine that does not answer needs is not all that there is to do, where the
// members are made anew.
func TestMembersThatAreMadeAnewMayGetOtherMachines(t *testing.T) {
	silent := &engine.SilentError{Place: "ssh://root@192.0.2.1", Reason: engine.BySSH, Err: errors.New("no route to host")}
	err := &runtime.AwayError{Server: "etcd1", Machine: silent.Place, Err: silent}
	for command, want := range map[string]string{"restore": "another machine in the cluster file", "recover": "another machine in the cluster file", "ls": "docker --host"} {
		if hint := hints.Of(hints.For(command, err)); !strings.Contains(hint, want) {
			t.Errorf("%s: the hint is %q", command, hint)
		}
	}
}

func TestOptionsOfLibrariesAreTypedAsFlags(t *testing.T) {
	err := errors.Join(option.Errorf("%s is for %s", option.Name("mirror"), option.Name("source")), errors.New("nothing else"))
	for _, told := range []error{hints.Usage(err), hints.For("image build", err)} {
		if !hints.IsUsage(told) || told.Error() != "--mirror is for --source\nnothing else" {
			t.Errorf("usage %t: %v", hints.IsUsage(told), told)
		}
	}
}

func TestARegistryIsNamedAsDockerLoginCallsIt(t *testing.T) {
	for _, test := range []struct {
		ref  string
		err  error
		want string
	}{
		{"registry.example:5000/etcd:1", images.ErrDenied, "`docker login registry.example:5000`"},
		{"etcd:1", images.ErrDenied, "`docker login docker.io`"},
		{"registry.example/etcd:1", images.ErrUntrusted, "/etc/docker/certs.d/registry.example/ca.crt"},
		{"registry.example/etcd:1", images.ErrPlainHTTP, "give --plain-http"},
		{"registry.example/etcd:1", errors.New("it is full"), ""},
	} {
		hint := hints.Of(hints.For("image push", &images.PushError{Ref: test.ref, Err: test.err}))
		if hint == "" != (test.want == "") || !strings.Contains(hint, test.want) {
			t.Errorf("%s, %v: the hint is %q", test.ref, test.err, hint)
		}
	}
}

// An image that the engine of a member's machine lacks is brought to that one: the one
// that commands go to untold may have it already.
func TestAnImageIsBroughtToTheEngineThatLacksIt(t *testing.T) {
	for at, own := range map[cluster.Engine]string{
		{}:                           "`etcdctr image ",
		{At: "ssh://root@192.0.2.1"}: "`DOCKER_HOST=ssh://root@192.0.2.1 etcdctr image ",
		{At: "machine-1"}:            "`DOCKER_CONTEXT=machine-1 etcdctr image ",
		{At: "tcp://192.0.2.1:2376", Certs: "/engine keys"}: "`DOCKER_HOST=tcp://192.0.2.1:2376 DOCKER_TLS_VERIFY=1 'DOCKER_CERT_PATH=/engine keys' etcdctr image ",
	} {
		for _, missing := range []docker.ImageError{
			{Ref: cluster.OfficialImage + ":v3.6.16"},
			{Ref: "registry.example/etcd:1", Login: true},
			{Ref: "registry.example/etcd:1", Never: true},
			{Ref: "registry.example/etcd:1", Plain: true},
			{Ref: cluster.DefaultDNSImage},
			{Ref: cluster.DefaultPrometheusImage},
		} {
			missing.At, missing.Err = at, errors.New("no such host")
			if hint := hints.Of(hints.For("up", &missing)); !strings.Contains(hint, own) {
				t.Errorf("%s at %q: the hint is %q", missing.Ref, at.At, hint)
			}
			if !strings.Contains(missing.Error(), at.At) {
				t.Errorf("%v does not say where", &missing)
			}
		}
	}
}

// Who is told to begin another swarm has to know what that costs.
func TestAnEngineThatHasLeftItsSwarmIsToldTheWayBack(t *testing.T) {
	for standing, want := range map[swarm.Standing]string{swarm.Outside: "`docker swarm join-token manager`", swarm.Lonely: "start it, or say where it is"} {
		err := hints.For("health", &etcdctr.AwayError{Name: "orders", Runtime: swarm.Name, Err: &swarm.StandingError{Standing: standing}})
		if hint := hints.Of(err); !strings.Contains(hint, want) {
			t.Errorf("%s: the hint is %s", standing, hint)
		}
	}
}
