package scratch_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/etcdctr/etcdctr/internal/lockfile"
	"github.com/etcdctr/etcdctr/internal/scratch"
)

const prefix = "etcdctr-restore"

// own is set for a process that makes a folder with a file, says where, and goes on until
// its input ends.
const own = "ETCDCTR_TEST_SCRATCH_IN"

func TestMain(m *testing.M) {
	if in := os.Getenv(own); in != "" {
		dir, remove, err := scratch.Make(in, prefix)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "db"), []byte("large"), 0o600)
		}
		fmt.Println(dir)
		_, _ = io.Copy(io.Discard, os.Stdin)
		if err = errors.Join(err, remove()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// other is another process that has a folder.
type other struct {
	*exec.Cmd
	leave io.Closer
	dir   string
}

func start(t *testing.T, in string) other {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), own+"="+in), os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return other{cmd, input, strings.TrimSpace(line)}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestAFolderGoesWithItsOwnerOrWithTheNext(t *testing.T) {
	in := t.TempDir()
	killed, runs := start(t, in), start(t, in)
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // it was killed
	if _, err := os.Stat(filepath.Join(killed.dir, "db")); err != nil {
		t.Fatalf("one that is killed leaves nothing: %v", err)
	}
	dir, remove, err := scratch.Make(in, prefix)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Dir(killed.dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what one has left that was killed is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(runs.dir, "db")); err != nil {
		t.Errorf("the folder of one that runs is gone: %v", err)
	}
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("in a new one there is %q", left)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(runs.leave.Close(), runs.Wait()); err != nil {
		t.Error(err)
	}
	if left := names(t, in); len(left) != 0 {
		t.Errorf("left is %q", left)
	}
}

func TestWhatIsNotOursIsLeftAlone(t *testing.T) {
	in, elsewhere := t.TempDir(), t.TempDir()
	const random = "-abcdefghijklmnopqrstuvwxyz.scratch"
	locked := func(dir string) {
		t.Helper()
		err := os.MkdirAll(filepath.Join(dir, "files"), 0o700)
		if err != nil {
			t.Fatal(err)
		}
		release, err := lockfile.Acquire(t.Context(), dir)
		if err == nil {
			err = release()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"etcdctr-adopt" + random, "etcdctr-restore", "etcdctr-restore-1234567", "etcdctr-restore" + random + ".txt", "my-etcdctr-restore" + random} {
		locked(filepath.Join(in, name))
	}
	if err := os.Mkdir(filepath.Join(in, prefix+"-zyxwvutsrqponmlkjihgfedcba.scratch"), 0o700); err != nil { // no lock is in it
		t.Fatal(err)
	}
	locked(elsewhere)
	if err := os.Symlink(elsewhere, filepath.Join(in, prefix+"-link"+random[5:])); err != nil {
		t.Fatal(err)
	}
	before := names(t, in)
	_, remove, err := scratch.Make(in, prefix)
	if err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, names(t, in)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	if left := names(t, elsewhere); len(left) == 0 {
		t.Error("what a link leads to is gone")
	}
}

func TestAFolderIsMadeInAFolderThatIsThere(t *testing.T) {
	in := filepath.Join(t.TempDir(), "none")
	if dir, _, err := scratch.Make(in, prefix); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is %q, %v", dir, err)
	}
}
