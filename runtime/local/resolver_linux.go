package local

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// mayChangeResolver tells that this user may give a process another resolv.conf
// than the machine's.
func mayChangeResolver() bool { return os.Geteuid() == 0 }

// execWithResolver becomes another program, which sees a resolv.conf that names
// one DNS server only. The file is in a folder that the program has anyway.
func execWithResolver(program string, args, env []string, server, folder string) error {
	conf, err := os.CreateTemp(folder, "resolv.conf.")
	if err != nil {
		return err
	}
	defer os.Remove(conf.Name())
	if _, err := fmt.Fprintf(conf, "nameserver %s\n", server); err != nil {
		return err
	}
	if err := conf.Close(); err != nil {
		return err
	}
	runtime.LockOSThread() // namespaces, and the next line, are the thread's
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if err := mountResolver(conf.Name()); err != nil {
		return fmt.Errorf("cannot give it a DNS server of its own: %w", err)
	}
	if err := os.Remove(conf.Name()); err != nil { // the mount holds it
		return err
	}
	return unix.Exec(program, args, env)
}

func mountResolver(conf string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return unix.Mount(conf, "/etc/resolv.conf", "", unix.MS_BIND, "")
}
