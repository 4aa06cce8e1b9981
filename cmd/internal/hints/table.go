package hints

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/distribution/reference"

	"github.com/etcdctr/etcdctr"
	"github.com/etcdctr/etcdctr/adopt"
	"github.com/etcdctr/etcdctr/backup"
	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cluster"
	"github.com/etcdctr/etcdctr/compose"
	"github.com/etcdctr/etcdctr/converge"
	"github.com/etcdctr/etcdctr/files"
	"github.com/etcdctr/etcdctr/forward"
	"github.com/etcdctr/etcdctr/images"
	"github.com/etcdctr/etcdctr/internal/option"
	"github.com/etcdctr/etcdctr/internal/shellword"
	"github.com/etcdctr/etcdctr/lint"
	"github.com/etcdctr/etcdctr/member"
	"github.com/etcdctr/etcdctr/runtime"
	"github.com/etcdctr/etcdctr/runtime/docker"
	"github.com/etcdctr/etcdctr/runtime/docker/engine"
	"github.com/etcdctr/etcdctr/runtime/local"
	"github.com/etcdctr/etcdctr/runtime/swarm"
)

// Commands that have some advice in common.
var (
	archives = []string{"backup", "recover"}
	opening  = []string{"backup verify", "restore"}
	moving   = []string{"image build", "image bundle", "image load", "image push", "image save"}
)

func in(commands ...string) []string { return commands }

// advices are in order: the first that is about an error is what is said of it.
var advices = []advice{
	// adopting
	{in("adopt"), is(adopt.ErrNoSource, "name a Compose project, containers or data folders: etcdctr adopt --dry-run NAME; `docker ps` and `docker compose ls` show what there is"), true},
	{in("adopt"), is(adopt.ErrRelease, "--etcd 3.6, for example, says it"), true},
	{in("adopt"), is(adopt.ErrOtherRelease, "leave --etcd and --image out; once the members are adopted, `etcdctr up --etcd 3.7`, for example, brings them to another release"), true},
	{in("adopt"), is(adopt.ErrNothing, "`docker ps --all` shows the containers; a data folder is the one that has the folder member in it"), true},
	{in("adopt"), is(adopt.ErrElsewhere, "name the other containers or folders too, separated by blanks; if they are on other machines, `etcdctr backup` takes what the cluster holds, and `etcdctr restore` makes a cluster of it"), true},
	{in("adopt"), as(func(e *adopt.DeniedError) string {
		return fmt.Sprintf("`user: \"0\"` for %s in what starts it, or giving the volume or folder at %s to user %s, has it start; then adopt it: "+
			"upstream's image runs as root, and those that etcdctr packs, under its name too, as 65532", e.Member, e.DataDir, e.User)
	}), false},
	{in("adopt"), is(adopt.ErrEmpty, "`etcdctr up` starts a new cluster where no file says adopts; `etcdctr lint` tells what keeps the old one from starting"), false},
	{in("adopt"), is(backup.ErrUncommitted, "--their-etcd names one"), false},
	{in("adopt"), is(adopt.ErrMinority, "`etcdctr backup --data-dir FOLDER` takes what one member holds, and `etcdctr restore` makes a cluster of it"), false},

	// taking backups, and bringing them back
	{in("recover"), is(etcdctr.ErrQuorum, "`etcdctr doctor` names what to do about members that are away"), false},
	{in("recover"), is(etcdctr.ErrUnreached, "`etcdctr doctor` names what to do about members that are away"), false},
	{in("restore", "recover"), every[*etcdctr.ByHandError]("with the engine of each machine in the cluster file, such as `engine: ssh://root@192.0.2.1`, this command does it; where none is reached from here, what was said by hand does, in its order"), false},
	{in("restore", "recover"), every[*runtime.AwayError]("bring it back; where it is lost for good, give the member another machine in the cluster file, and run this again"), false},
	{in("recover"), is(backup.ErrNobody, "--backups names a folder of backups, the newest of which is brought back"), false},
	{in("recover"), every[*etcdctr.EarlierError]("--backups '' does without them, where what the members hold is enough"), false},
	{in("recover"), is(backup.ErrTwoClusters, "`etcdctr backup --data-dir` keeps what one of them holds, and `etcdctr restore` makes a cluster of it"), false},
	{in("recover"), is(backup.ErrUncommitted, "`etcdctr backup --data-dir … --etcd-binary …` keeps what it holds by another etcd, and `etcdctr restore` makes a cluster of it"), false},
	{in("backup run"), every[*etcdctr.OtherBackupsError]("a cluster file of its own, which -f names, has its own; `etcdctr backup` takes one at once"), false},
	{in("backup run"), is(etcdctr.ErrNoDestination, "write `backup: {destination: /backups}` into it, or take one with `etcdctr backup`"), false},
	{archives, as(func(e *backup.NoFolderError) string {
		return fmt.Sprintf("`mkdir -p %s` makes it; the name of a file ends in %s", e.Dir, backup.Extension)
	}), true},
	{archives, is(backup.ErrExists, "--output names another file, or a folder"), false},
	{archives, is(backup.ErrSeal, "`age-keygen` makes a key, and writes the public one, age1…, beside it"), true},
	{in("backup"), every[*backup.BehindError]("--output . keeps what it holds now in the current folder, where `etcdctr restore` does not take it for the newest"), false},
	{in("backup"), is(member.ErrSeveralClusters, "--member says whose data is meant; `etcdctr up` names the command that leaves one of several clusters of a name"), false},
	{in("backup"), is(backup.ErrNobody, "`etcdctr doctor` names the cause; --data-dir takes the data folder of a stopped member"), false},
	{in("restore"), is(backup.ErrUnknownMoment, "`etcdctr backup list` shows the backups: without --at and --revision a file is restored as it is"), false},
	{in("restore"), as(func(e *backup.TooOldError) string { return fmt.Sprintf("--etcd 3.%d or a later one reads it", e.Data) }), false},
	{in("restore", "recover"), is(backup.ErrUsers, "tls: mutual, which is the default, has each client show a certificate: in it etcd finds the user"), false},
	{in("restore", "recover"), is(syscall.ENOSPC, "make room there; --scratch names another folder for what is copied and made"), false},
	{in("restore"), is(backup.ErrNoBackup, "`etcdctr backup list FOLDER` shows those that there are"), false},
	{in("backup verify"), is(backup.ErrNoBackup, "`etcdctr backup list FOLDER` shows those that there are"), true},
	{opening, is(backup.ErrSealed, "--identity-file or --passphrase-file opens it"), true},
	{opening, is(backup.ErrSecret, "--identity-file names another key, --passphrase-file another passphrase"), true},
	{in("compact"), is(backup.ErrUnknownAge, noted), false},
	{in("compact"), is(etcdctr.ErrNoDestination, noted), false},

	// data that was to be deleted
	{about: as(func(e *etcdctr.OtherFolderError) string {
		if e.Kept {
			return fmt.Sprintf("`--name %s` says that it is meant; with another name this folder has a cluster of its own", e.Name)
		}
		return fmt.Sprintf("`--name %s` says that it is meant", e.Name)
	})},
	{about: as(func(e *etcdctr.UnknownFolderError) string {
		return fmt.Sprintf("put its certificates back, or say where they are with --certs-dir; `--name %s` says that it is meant, and with another name this folder has a cluster of its own", e.Name)
	})},
	{about: as(func(e *etcdctr.LastBackupError) string {
		if len(e.First) > 0 {
			return fmt.Sprintf("`%s` comes first, or say --no-backup to do without", etcdctr.Typed(e.First))
		}
		return "start it with `etcdctr up`, or say --no-backup to do without"
	})},

	// a cluster that may be on several runtimes
	{about: as(ofLeftSwarm)},
	{about: as(func(e *etcdctr.AwayError) string {
		return fmt.Sprintf("start it, or say where it is: DOCKER_HOST, or `docker context use`; a new and empty %s beside it is made with `etcdctr up --runtime %s` only", e.Name, cluster.Process)
	})},
	{about: as(func(e *etcdctr.TwiceError) string {
		return fmt.Sprintf("--runtime says which is meant, such as --runtime %s; `etcdctr ls` shows them", e.Runtimes[0])
	})},
	{about: as(ofRefusal)},
	{about: ofAway},

	// finding an engine
	{about: every[*engine.PlaceError]("DOCKER_HOST is something like unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://HOST, and DOCKER_CERT_PATH a folder with ca.pem, cert.pem and key.pem")},
	{about: every[*engine.ContextError]("`docker context ls` shows what there is; DOCKER_CONTEXT=default goes without one")},
	{about: as(ofSilence)},

	// what runs a cluster
	{about: as(func(e *etcdctr.OtherRuntimeError) string {
		return fmt.Sprintf("`etcdctr backup --runtime %[1]s` keeps what it holds, `etcdctr down --volumes --runtime %[1]s` deletes it there, and `etcdctr restore` of that backup makes it on %[2]s; --name starts another one beside it", e.Has, e.Want)
	})},
	{about: as(func(e *etcdctr.LostError) string {
		return fmt.Sprintf("`etcdctr restore %s` brings it back; one that is to begin anew takes another backup.destination", e.Backups)
	})},
	{about: every[*etcdctr.EmptiedError]("`etcdctr restore` brings back what a backup holds; data that is not needed is deleted by `etcdctr down --volumes`, and then nobody misses it")},
	{about: as((*etcdctr.ProcfileError).Remedy)},
	{about: as((*etcdctr.GoneError).Remedy)},
	{about: as((*etcdctr.OtherNameError).Remedy)},
	{about: as((*etcdctr.DownError).Remedy)},
	{in("up"), as(func(e *etcdctr.AnotherError) string {
		return fmt.Sprintf("`%s` brings back what a backup holds; from now on nobody misses what was there before", e.Restore())
	}), false},
	{about: as((*etcdctr.AnotherError).Remedy)},
	{about: every[*docker.ForeignError]("`etcdctr ls` shows the clusters that there are; --name chooses one")},
	{about: every[*etcdctr.BesideError]("`etcdctr etcdctl` runs etcdctl against them, and any other command runs as it is")},
	{in("connect"), every[*forward.PortsError]("choose other ports with --listen, or any free ones with --listen 127.0.0.1:0"), false},
	{about: every[*etcdctr.UnknownServerError](""), wrong: true},
	{about: is(runtime.ErrNotFound, "start it with `etcdctr up`, or name the right one with --name: `etcdctr ls` shows those that there are")},
	{about: as(func(e *runtime.NotRunningError) string { return fmt.Sprintf("`etcdctr start %s` starts it", e.Server) })},
	{about: every[*docker.SubnetError](""), wrong: true},
	{about: every[*docker.LockError]("set XDG_CACHE_HOME to a folder that can be written to")},
	{about: as(func(e *local.OtherReleaseError) string {
		if e.Path == "" {
			return ""
		}
		return fmt.Sprintf("`--etcd 3.%d` goes over to what it is; where several releases are on the way, a path with {minor} names one of each, as in --etcd-binary '/opt/etcd/{minor}/etcd'", e.Have.Minor)
	}), wrong: true},
	{about: every[*local.OtherReleaseError]("--etcd-binary names another etcd to run in processes")},
	{about: as(func(e *local.OwnerError) string {
		return fmt.Sprintf("start it as %s, as `sudo -u %s etcdctr start` does; where it is to be %s's from now on, that one has to own the folder, and the one of the certificates: `chown -R`", e.Owner, e.Owner, e.Maker)
	})},
	{about: every[*local.BesideError]("another one of the same name would be empty: stop what has started that one, or give this one a --name and certificates of its own")},
	{about: is(local.ErrOtherMachines, "`etcdctr bundle` makes what each of them runs")},
	{about: is(local.ErrResolver, "leave --etcd-binary out, or use bootstrap: static or discovery"), wrong: true},

	// images
	{about: as(ofImage)},
	{about: as(ofPush)},
	{moving, is(images.ErrNoCache, "set XDG_CACHE_HOME"), false},
	{moving, every[*images.PlatformError](""), true},
	{moving, is(images.ErrNotLinux, "images run on linux, and only an etcdctr of `make build` carries what they are made of: give --source module, or --source dir with a linux etcdctr"), false},
	{moving, is(images.ErrNoImage, "docker pull brings it, or etcdctr image build --tag makes it"), false},
	{moving, is(images.ErrNoGo, "install Go, or give --source release or --source self"), false},
	{moving, is(images.ErrPlainHTTP, "give --plain-http if the network between is trusted"), false},
	{moving, is(images.ErrDiffers, "move it away, or choose another --output"), false},
	{moving, is(syscall.ENOSPC, "make room there; XDG_CACHE_HOME and TMPDIR choose other places for what is downloaded and unpacked"), false},
	{about: is(images.ErrNotLinux, "this program can't run in a container: build an image of the one for linux, with `docker build --tag "+docker.RelayReference+" .` in etcdctr's source")},

	// certificates
	{in("certs rotate-ca"), as(func(e *certs.LaggingError) string {
		return fmt.Sprintf("`etcdctr restart %s`, or `etcdctr certs rotate-ca` for all that is left", strings.Join(e.Members, " "))
	}), false},
	{in("certs rotate-ca"), every[*certs.UnseenError]("where the members run elsewhere, restart each of them and say so with --restarted; where none runs at all, too"), false},
	{in("certs revoke"), as(func(e *etcdctr.KeptError) string {
		if len(e.Anew) > 0 {
			return "`etcdctr up` makes them anew, one by one, with the list of now"
		}
		if len(e.Handed) > 0 {
			return "`etcdctr bundle` packs those of now: unpacked over the folder there, they count from the next connection on, and with systemd once they are copied as the README in them says"
		}
		return "`etcdctr up` brings it there once the machine answers"
	}), false},
	{in("certs rotate-ca"), every[*etcdctr.UndoneError]("`etcdctr up` makes the rest of it so, and then `etcdctr certs rotate-ca`"), false},
	{in("certs run"), every[*etcdctr.UndoneError]("`etcdctr up` does all of it"), false},
	{in("certs run"), every[*etcdctr.StillError]("`etcdctr up` starts it, and makes the others anew"), false},
	{in("certs run"), every[*etcdctr.ElsewhereError]("name what has them signed in the cluster file, `certs: {renew-command: …}`, or `etcdctr certs request` and `etcdctr certs import`"), false},
	{about: every[*etcdctr.TokenError]("`etcdctr discovery new` makes a token, `etcdctr discovery status` shows one")},
	{about: as(func(e *certs.SharedError) string {
		return fmt.Sprintf("--certs-dir certs-%s, or certs-dir in the cluster file, gives %s a folder of its own; naming the one that is there shares it", e.By, e.By)
	})},
	{about: every[*certs.RevokedError]("`etcdctr certs create` makes another one, and nobody is restarted for it")},
	{about: is(etcdctr.ErrNoCertificate, "these commands need the certificates that the cluster was made with: say where they are with --certs-dir")},
	{about: every[*certs.NameError](""), wrong: true},

	// a cluster as files
	{about: every[*files.JoinsError]("`etcdctr up` adds it, and writes its archive when its turn comes")},
	{about: every[*files.NoMachinesError]("give each its host in the cluster file"), wrong: true},
	{about: every[*files.UnfitError](""), wrong: true},
	{in("compose"), every[*files.KeptError]("--output names another file; services of your own go on in docker-compose.override.yml, which `docker compose` reads beside docker-compose.yml"), true},
	{in("procfile"), every[*files.KeptError]("--output names another file, whose lines can go on in yours"), true},
	{about: every[*files.KeptError]("--output names another folder"), wrong: true},

	// what is described
	{in("lint"), is(lint.ErrOurs, "`etcdctr up --dry-run` checks it and shows what would be done; `etcdctr compose` gives what lint can judge"), true},
	{about: every[*option.Error](""), wrong: true},
	{about: every[cluster.Problems](""), wrong: true},
	{about: every[*cluster.UnknownMemberError](""), wrong: true},
	{about: every[*etcdctr.InputError](""), wrong: true},
}

const noted = "`continuous: true` under backup: has it noted from now on; auto-compaction-mode: periodic and auto-compaction-retention: 1h have etcd do it by itself"

// Endpoints says what is to be done about the backup of members that nobody here runs,
// which are named by flags.
func Endpoints(err error) error {
	switch {
	case errors.Is(err, member.ErrDenied):
		return With(err, "etcd gives its data to users with the role root only: --user and --password-file, or --cert and --key, say who that is")
	case errors.Is(err, backup.ErrNobody):
		return With(err, "`etcdctl endpoint status` with the same flags says what each answers; --endpoints names all members that there are")
	}
	return err
}

// ofLeftSwarm is about a cluster of a swarm that the engine has left.
func ofLeftSwarm(e *etcdctr.AwayError) string {
	standing := (*swarm.StandingError)(nil)
	if !errors.As(e.Err, &standing) || standing.Standing != swarm.Outside {
		return ""
	}
	return fmt.Sprintf("one that has left its swarm comes back to it by what `docker swarm join-token manager` says on another manager; where there is none any more, "+
		"`docker swarm init` begins another swarm, which knows nothing of %s, and `etcdctr up` says then what the node has left of its data and how that is brought back", e.Name)
}

// ofRefusal is the remedy that is named with it.
func ofRefusal(r *converge.Refusal) string {
	command := etcdctr.Typed(r.Remedy.Command)
	if command != "" {
		command = "`" + command + "`"
	}
	return strings.TrimSpace(command + " " + r.Remedy.Text)
}

// ofAway is about a cluster that was taken away but for what is on machines that do not
// answer.
func ofAway(err error) (string, bool) {
	step := (*converge.StepError)(nil)
	if !errors.As(err, &step) || !errors.As(err, new(*runtime.AwayError)) || len(step.Step.Servers) > 0 {
		return "", false
	}
	again := map[converge.Kind]string{converge.Remove: "down", converge.Delete: "down --volumes"}[step.Step.Kind]
	return fmt.Sprintf("everything else is down; a member comes back with its machine, and takes `etcdctr %s` again then", again), again != ""
}

// ofSilence is about an engine that does not answer.
func ofSilence(e *engine.SilentError) string {
	return map[engine.Reason]string{
		engine.Nobody: "start it, or say where it is: DOCKER_HOST, or `docker context use`",
		engine.BySSH:  fmt.Sprintf("`docker --host %s version` has to work, and ssh without asking for anything", e.Place),
		engine.Forbidden: "join the group that owns the socket (`sudo usermod -aG docker $USER`, then log in again), " +
			"run a rootless engine, or do without: `etcdctr up --runtime process`",
		engine.Untrusted:   "ca.pem in DOCKER_CERT_PATH, or in the Docker context, must be the authority that made it",
		engine.NotAccepted: "cert.pem and key.pem in DOCKER_CERT_PATH, or in the Docker context, must be from the authority that the engine trusts",
		engine.OnlyTLS:     "set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to a folder with ca.pem, cert.pem and key.pem",
	}[e.Reason]
}

// ofImage is about an image that could not be got. Commands that hand one to an engine
// say which, where it is not the one that they go to untold.
func ofImage(missing *docker.ImageError) string {
	own := strings.TrimSpace(shellword.Line(append(missing.At.Environment(), "etcdctr")...))
	load := fmt.Sprintf("load an archive of it with `%s image load`", own)
	if missing.At.Given() {
		load += ", and on each other machine that lacks it so"
	}
	prometheus, _, _ := strings.Cut(cluster.DefaultPrometheusImage, ":")
	release, official := strings.CutPrefix(missing.Ref, cluster.OfficialImage+":")
	switch {
	case missing.Never:
		return "leave --pull never away, or " + load
	case missing.There:
		return "without --pull always the one that is on the engine runs"
	case missing.Login:
		return fmt.Sprintf("`docker login %s`, as someone who may read it, or %s", registry(missing.Ref), load)
	case missing.Plain:
		return fmt.Sprintf("name %s under insecure-registries in the engine's daemon.json (insecure = true in Podman's registries.conf) "+
			"if the network between is trusted, or %s", registry(missing.Ref), load)
	case missing.Ref == cluster.DefaultDNSImage:
		return fmt.Sprintf("--dns-image %s takes the DNS server that etcdctr has itself; or load an archive of CoreDNS's image with `%s image load`", compose.OwnImage, own)
	case official:
		release = strings.TrimPrefix(release, "v")
		return fmt.Sprintf("%s, or make it: `%s image build --source module --etcd %s --tag %s` where there is Go, "+
			"or `%[2]s image build --source dir --dir FOLDER --tag %[4]s` with an etcd %[3]s that you have; or choose another with --image", load, own, release, missing.Ref)
	case strings.HasPrefix(missing.Ref, prometheus+":"):
		return load + ", or choose another Prometheus with --prometheus-image"
	}
	return load + ", or choose another with --image (`etcdctr image build` makes one) or --dns-image or --prometheus-image"
}

// ofPush is about a registry that does not take an image.
func ofPush(e *images.PushError) string {
	switch host := registry(e.Ref); {
	case errors.Is(e, images.ErrDenied):
		return fmt.Sprintf("`docker login %s`, as someone who may write there", host)
	case errors.Is(e, images.ErrUntrusted):
		return fmt.Sprintf("put the certificate of its authority into /etc/docker/certs.d/%s/ca.crt, where Docker looks too, or among the system's", host)
	}
	return ""
}

// registry is what docker login calls the registry of a reference.
func registry(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	return reference.Domain(named)
}
