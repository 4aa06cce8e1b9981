// Package hosts runs members on machines of their own that this program reaches only
// as any client does. It sees what etcd answers there. What is to be done there it
// leaves to whoever is at the machine: it writes the archive that the machine needs,
// says what to run, and waits until that is seen. So the order of a change is that
// of every other runtime, and only the hands on the machines are somebody's own.
//
// What was handed over to each machine is noted beside the archives, since a machine
// can't be asked for it.
package hosts
