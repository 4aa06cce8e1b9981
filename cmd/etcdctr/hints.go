package main

import (
	"errors"
	"fmt"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/files"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtime/docker/engine"
	"github.com/etcdctr/etcdctr/runtime/local"
)

// This file says what a person can do about the errors of the libraries, which
// do not know the command line.

// hinted attaches what to do about an error of a library, if there is something
// and nobody has said so already.
func hinted(err error) error {
	if h := (*hintedError)(nil); err == nil || errors.As(err, &h) {
		return err
	}
	for _, advise := range []func(error) error{hintOfDeletion, hintOfPlace, hintOfRefusal, hintOfAway, hintOfEngine, hintOfRuntime, hintOfProcesses, hintOfImage, hintOfCertificates, hintOfFiles} {
		if with := advise(err); with != nil {
			return with
		}
	}
	wrong, in, unknown := cluster.Problems(nil), (*etcdctr.InputError)(nil), (*cluster.UnknownMemberError)(nil)
	if errors.As(err, &wrong) || errors.As(err, &in) || errors.As(err, &unknown) {
		return usage(err)
	}
	return err
}

// hintOfPlace is about a cluster that may be on several runtimes.
func hintOfPlace(err error) error {
	if away := (*etcdctr.AwayError)(nil); errors.As(err, &away) {
		return withHint(err, "start it, or say where it is: DOCKER_HOST, or `docker context use`; a new and empty %s beside it is made with `etcdctr up --runtime %s` only",
			away.Name, cluster.Process)
	}
	if twice := (*etcdctr.TwiceError)(nil); errors.As(err, &twice) {
		return withHint(err, "--runtime says which is meant, such as --runtime %s; `etcdctr ls` shows them", twice.Runtimes[0])
	}
	return nil
}

func hintOfRefusal(err error) error {
	r := (*converge.Refusal)(nil)
	if !errors.As(err, &r) {
		return nil
	}
	switch command := etcdctr.Typed(r.Remedy.Command); {
	case command == "" && r.Remedy.Text == "":
		return nil
	case command == "":
		return withHint(err, "%s", r.Remedy.Text)
	case r.Remedy.Text == "":
		return withHint(err, "`%s`", command)
	default:
		return withHint(err, "`%s` %s", command, r.Remedy.Text)
	}
}

// hintOfDeletion is about data that was to be deleted.
func hintOfDeletion(err error) error {
	if folder := (*etcdctr.OtherFolderError)(nil); errors.As(err, &folder) {
		return withHint(err, "`--name %s` says that it is meant", folder.Name)
	}
	if last := (*etcdctr.LastBackupError)(nil); errors.As(err, &last) {
		if len(last.First) > 0 {
			return withHint(err, "`%s` comes first, or say --no-backup to do without", etcdctr.Typed(last.First))
		}
		return withHint(err, "start it with `etcdctr up`, or say --no-backup to do without")
	}
	return nil
}

func hintOfRuntime(err error) error {
	if other := (*etcdctr.OtherRuntimeError)(nil); errors.As(err, &other) {
		return withHint(err, "`etcdctr down --name %s` ends it; --name starts another one beside it", other.Name)
	}
	if foreign := (*docker.ForeignError)(nil); errors.As(err, &foreign) {
		return withHint(err, "`etcdctr ls` shows the clusters that there are; --name chooses one")
	}
	if unknown := (*etcdctr.UnknownServerError)(nil); errors.As(err, &unknown) {
		return usage(err)
	}
	if errors.Is(err, runtime.ErrNotFound) {
		return withHint(err, "start it with `etcdctr up`, or name the right one with --name: `etcdctr ls` shows those that there are")
	}
	if down := (*runtime.NotRunningError)(nil); errors.As(err, &down) {
		return withHint(err, "`etcdctr start %s` starts it", down.Server)
	}
	if subnet := (*docker.SubnetError)(nil); errors.As(err, &subnet) {
		return usage(err)
	}
	if lock := (*docker.LockError)(nil); errors.As(err, &lock) {
		return withHint(err, "set XDG_CACHE_HOME to a folder that can be written to")
	}
	return nil
}

// hintOfAway is about a cluster that was taken away but for what is on machines that
// do not answer.
func hintOfAway(err error) error {
	step, away := (*converge.StepError)(nil), (*runtime.AwayError)(nil)
	if !errors.As(err, &step) || !errors.As(err, &away) || len(step.Step.Servers) > 0 {
		return nil
	}
	again := map[converge.Kind]string{converge.Remove: "down", converge.Delete: "down --volumes"}[step.Step.Kind]
	if again == "" {
		return nil
	}
	return withHint(err, "everything else is down; a member comes back with its machine, and takes `etcdctr %s` again then", again)
}

func hintOfEngine(err error) error {
	if place := (*engine.PlaceError)(nil); errors.As(err, &place) {
		return withHint(err, "DOCKER_HOST is something like unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://HOST, "+
			"and DOCKER_CERT_PATH a folder with ca.pem, cert.pem and key.pem")
	}
	if named := (*engine.ContextError)(nil); errors.As(err, &named) {
		return withHint(err, "`docker context ls` shows what there is; DOCKER_CONTEXT=default goes without one")
	}
	silent := (*engine.SilentError)(nil)
	if !errors.As(err, &silent) {
		return nil
	}
	switch silent.Reason {
	case engine.Nobody:
		return withHint(err, "start it, or say where it is: DOCKER_HOST, or `docker context use`")
	case engine.BySSH:
		return withHint(err, "`docker --host %s version` has to work, and ssh without asking for anything", silent.Place)
	case engine.Forbidden:
		return withHint(err, "join the group that owns the socket (`sudo usermod -aG docker $USER`, then log in again), "+
			"run a rootless engine, or do without: `etcdctr up --runtime process`")
	case engine.Untrusted:
		return withHint(err, "ca.pem in DOCKER_CERT_PATH, or in the Docker context, must be the authority that made it")
	case engine.NotAccepted:
		return withHint(err, "cert.pem and key.pem in DOCKER_CERT_PATH, or in the Docker context, must be from the authority that the engine trusts")
	case engine.OnlyTLS:
		return withHint(err, "set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to a folder with ca.pem, cert.pem and key.pem")
	}
	return nil
}

func hintOfProcesses(err error) error {
	if other := (*local.OtherReleaseError)(nil); errors.As(err, &other) {
		if other.Path != "" {
			return withHint(usage(err), "`--etcd 3.%d` goes over to what it is; where several releases are on the way, a path with {minor} names one of each, as in --etcd-binary '/opt/etcd/{minor}/etcd'", other.Have.Minor)
		}
		return withHint(err, "--etcd-binary names another etcd to run in processes")
	}
	switch {
	case errors.As(err, new(*local.BesideError)):
		return withHint(err, "another one of the same name would be empty: stop what has started that one, or give this one a --name and certificates of its own")
	case errors.Is(err, local.ErrOtherMachines):
		return withHint(err, "`etcdctr bundle` makes what each of them runs")
	case errors.Is(err, local.ErrResolver):
		return withHint(usage(err), "leave --etcd-binary out, or use bootstrap: static or discovery")
	}
	return nil
}

func hintOfImage(err error) error {
	if image := (*docker.ImageError)(nil); errors.As(err, &image) {
		return withImageHint(err)
	}
	if errors.Is(err, images.ErrNotLinux) {
		return withHint(err, "this program can't run in a container: build an image of the one for linux, "+
			"with `docker build --tag %s .` in etcdctr's source", docker.RelayReference)
	}
	return nil
}

// hintOfFiles is about files that a cluster can't be written as.
func hintOfFiles(err error) error {
	unfit := (*files.UnfitError)(nil)
	if errors.As(err, &unfit) {
		err = usage(err)
		if unfit.Option != "" {
			err = fmt.Errorf("--%w", err)
		}
	}
	switch {
	case errors.As(err, new(*files.JoinsError)):
		return withHint(err, "`etcdctr up` adds it, and writes its archive when its turn comes")
	case errors.As(err, new(*files.NoMachinesError)):
		return withHint(usage(err), "give each its host in the cluster file")
	case unfit != nil:
		return err
	}
	return nil
}

func hintOfCertificates(err error) error {
	if token := (*etcdctr.TokenError)(nil); errors.As(err, &token) {
		return withHint(err, "`etcdctr discovery new` makes a token, `etcdctr discovery status` shows one")
	}
	if shared := (*certs.SharedError)(nil); errors.As(err, &shared) {
		return withHint(err, "--certs-dir certs-%s, or certs-dir in the cluster file, gives %s a folder of its own; naming the one that is there shares it", shared.By, shared.By)
	}
	if errors.As(err, new(*certs.RevokedError)) {
		return withHint(err, "`etcdctr certs create` makes another one, and nobody is restarted for it")
	}
	if errors.Is(err, etcdctr.ErrNoCertificate) {
		return withHint(err, "these commands need the certificates that the cluster was made with: say where they are with --certs-dir")
	}
	return nil
}
