package target

import (
	"context"

	"github.com/etcdctr/etcdctr/certs"
	"github.com/etcdctr/etcdctr/cmd/internal/terminal"
)

// Certificates are those in a folder, and the cluster whose members have them, which is
// looked for once.
type Certificates struct {
	*certs.PKI
	flags *Flags
	found *Found // nil until it is looked for, and where it is not found
	err   error
}

// Rostered are the certificates in a folder, with who the members are of the cluster that they
// are known to be of. What a flag names may be those of another cluster, and how many members
// a flag says need not be all.
func (f *Flags) Rostered(ctx context.Context, dir string) *Certificates {
	c := &Certificates{PKI: f.world.PKI(dir), flags: f}
	if f.certsDir != "" || f.cmd.Flags().Lookup("members") != nil && f.Changed("members") {
		return c
	}
	if c.find(ctx) == nil {
		c.Roster = c.found.Roster(ctx, c.found.AsFound())
	}
	return c
}

func (c *Certificates) find(ctx context.Context) error {
	if c.found == nil && c.err == nil {
		c.found, c.err = c.flags.Find(ctx, Working{Progress: terminal.Quiet})
	}
	return c.err
}

// Close leaves the engine.
func (c *Certificates) Close() {
	if c.found != nil {
		c.found.Close()
	}
}

// TellOldCopies says which members have other certificates where they run than are here.
// That nobody knows is said where a description names the machines.
func (c *Certificates) TellOldCopies(ctx context.Context) {
	spec, _, err := c.flags.Read()
	if err != nil {
		return
	}
	if err = c.find(ctx); err == nil {
		err = c.found.TellOldCopies(ctx)
	}
	if err != nil && spec.HasEngines() {
		c.flags.world.Warn("what members have on their machines is not known: %v", err)
	}
}

// TellOldCopies is that of certificates that nobody has looked for the cluster of.
func (f *Flags) TellOldCopies(ctx context.Context) {
	c := &Certificates{flags: f}
	defer c.Close()
	c.TellOldCopies(ctx)
}
